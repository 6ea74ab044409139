import type { Kysely } from 'kysely'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { DemoDatabase } from './database.js'
import type { Passwords } from './passwords.js'

export interface Account {
  readonly id: string
  readonly email: string
  readonly role: 'user' | 'admin'
  /** In milliseconds since the epoch. */
  readonly createdAt: number
}

export const demoAccount = { email: 'demo@example.com', password: 'correct horse battery staple' } as const

/** Support staff. */
export const adminAccount = { ...demoAccount, email: 'admin@example.com' } as const

/** An address that the database can keep: no NUL, for one. */
export const emailPattern = '^\\s*[^\\s\\p{Cc}@]+@[^\\s\\p{Cc}@]+\\s*$'

/** How long an API token lives, in milliseconds. */
const tokenLifetime = 3_600_000

export interface Accounts {
  /** `undefined` if the address is taken. */
  signUp: (email: string, password: string, role?: Account['role']) => Promise<Account | undefined>
  signIn: (email: string, password: string) => Promise<Account | undefined>
  list: () => Promise<Account[]>
  issueToken: (account: Account) => Promise<string>
  findByToken: (token: string) => Promise<Account | undefined>
}

export function createAccounts (db: Kysely<DemoDatabase>, clock: () => number, passwords: Passwords): Accounts {
  const hashToken = (token: string) => createHash('sha256').update(token).digest()
  // One spelling of an address is one account, and so one budget of codes.
  const normalize = (email: string) => email.trim().normalize('NFKC').toLowerCase()

  return {
    async signUp (email, password, role = 'user') {
      const row = await db.insertInto('demo_accounts')
        .values({
          id: randomUUID(),
          email: normalize(email),
          password_hash: await passwords.hash(password),
          role,
          created_at: new Date(clock())
        })
        .onConflict(conflict => conflict.column('email').doNothing())
        .returning(columns)
        .executeTakeFirst()
      return row && toAccount(row)
    },

    async signIn (email, password) {
      const row = await db.selectFrom('demo_accounts').selectAll().where('email', '=', normalize(email)).executeTakeFirst()
      const right = await passwords.check(password, row?.password_hash)
      return right && row ? toAccount(row) : undefined
    },

    async list () {
      return (await db.selectFrom('demo_accounts').select(columns).orderBy('email').execute()).map(toAccount)
    },

    async issueToken ({ id }) {
      const token = randomBytes(32).toString('base64url')
      await db.deleteFrom('demo_tokens').where('expires_at', '<=', new Date(clock())).execute()
      await db.insertInto('demo_tokens')
        .values({ token_hash: hashToken(token), account_id: id, expires_at: new Date(clock() + tokenLifetime) })
        .execute()
      return token
    },

    async findByToken (token) {
      const row = await db.selectFrom('demo_tokens')
        .innerJoin('demo_accounts', 'demo_accounts.id', 'demo_tokens.account_id')
        .select(columns)
        .where('token_hash', '=', hashToken(token))
        .where('expires_at', '>', new Date(clock()))
        .executeTakeFirst()
      return row && toAccount(row)
    }
  }
}

const columns = ['demo_accounts.id', 'demo_accounts.email', 'demo_accounts.role', 'demo_accounts.created_at'] as const

type Row = Pick<DemoDatabase['demo_accounts'], 'id' | 'email' | 'role' | 'created_at'>

function toAccount ({ id, email, role, created_at: createdAt }: Row): Account {
  return { id, email, role, createdAt: createdAt.getTime() }
}
