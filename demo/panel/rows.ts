import type { TwoFactorDatabase } from 'fastify-authenticator-2fa'
import type { Kysely } from 'kysely'
import type { DemoDatabase } from '../database.js'

type TableName = keyof TwoFactorDatabase

/** The rows of a table that are about one user. */
export interface TableRows {
  readonly table: TableName
  readonly count: number
  /** Column by column, in words. Absent for who may not see them. */
  readonly rows?: ReadonlyArray<Readonly<Record<string, string>>> | undefined
}

/** Rows read of a table, so that no table is read without an end. */
const most = 50

// By the type, no table is forgotten.
const tables: { readonly [Table in TableName]: keyof TwoFactorDatabase[Table] & string } = {
  two_factor_users: 'user_id',
  two_factor_authenticators: 'created_at',
  two_factor_passes: 'passed_at',
  two_factor_used_codes: 'expires_at',
  two_factor_trusted_devices: 'created_at',
  two_factor_events: 'id'
}

// What is sealed is so under the encryption key. Other bytes are a hash.
const bytesAre: Readonly<Record<string, string>> = { secret: 'sealed', recovery_salt: 'sealed', recovery_hashes: 'hashes' }

/**
 * Reads what the tables of the package hold about a user, the newest rows first. Of somebody who has only typed the
 * password, how many: what the user owns is not for them, as it is not in the package's own answers.
 */
export async function readRows (
  db: Kysely<DemoDatabase>, userId: string, passed: boolean
): Promise<TableRows[]> {
  const names = Object.keys(tables) as TableName[]
  return Promise.all(names.map(async table => {
    const { count } = await db.selectFrom(table)
      .select(eb => eb.cast<number>(eb.fn.countAll(), 'integer').as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow()
    if (!passed && table !== 'two_factor_users') return { table, count }
    const rows = await db.selectFrom(table)
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy(db.dynamic.ref(tables[table]), order => order.desc().nullsLast())
      .limit(most)
      .execute()
    return { table, count, rows: rows.map(inWords) }
  }))
}

function inWords (row: object): Record<string, string> {
  const columns = Object.entries(row).filter(([column]) => column !== 'user_id')
  return Object.fromEntries(columns.map(([column, value]) => [column, word(column, value)]))
}

function word (column: string, value: unknown): string {
  if (value === null) return 'null'
  if (value instanceof Uint8Array) return `${bytesAre[column] ?? 'hash'}, ${value.byteLength} bytes`
  if (value instanceof Date) return value.toISOString().slice(0, 19).replace('T', ' ')
  return String(value)
}
