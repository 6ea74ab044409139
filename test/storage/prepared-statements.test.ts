import { randomBytes } from 'node:crypto'
import { Kysely, PostgresDialect, sql, WithSchemaPlugin, type KyselyPlugin } from 'kysely'
import pg from 'pg'
import t, { type Test } from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { prepareStatements } from '../../plugin/storage/prepared-statements.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { emptyTables } from '../helpers/empty-tables.js'
import { startPostgres } from '../helpers/postgres.js'
import { checkEverything } from './every-contract.js'

const server = await startPostgres(t)

function connectPrepared (t: Test, connectionString: string, max = 10): Kysely<TwoFactorDatabase> {
  const pool = new pg.Pool({ connectionString, max })
  pool.on('error', () => {})
  const db = new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool: prepareStatements(pool) }) })
  t.teardown(() => db.destroy())
  return db
}

const now = new Date('2026-01-01T00:00:00Z')
const rules = {
  now,
  method: 'authenticator',
  limit: 5,
  locks: [{ count: 5, until: new Date('2026-01-01T00:15:00Z') }],
  disableAt: 100,
  audit: undefined
} as const

async function enable (db: Kysely<TwoFactorDatabase>, userId: string): Promise<void> {
  await kyselyStorage(db).enable(userId, {
    authenticator: {
      id: 'phone',
      kind: 'local',
      name: 'Phone',
      secret: randomBytes(60),
      keyEncoding: 'base32',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
      lastStep: 0,
      createdAt: now,
      lastUsedAt: null
    },
    pass: { idHash: randomBytes(32), method: 'setup', passedAt: now, expiresAt: now },
    recoveryCodes: { salt: randomBytes(60), hashes: [randomBytes(16)] }
  })
}

t.test('prepared statements keep every promise of the storage', async t => {
  const url = await server.createDatabase()
  const [db, other] = [connectPrepared(t, url), connectPrepared(t, url)]
  await migrate(db)
  await checkEverything(t, async () => {
    await emptyTables(db)
    return [kyselyStorage(db), kyselyStorage(other)]
  })
})

t.test('a statement is prepared once for a connection, and those of the host are not', async t => {
  const db = connectPrepared(t, await server.createDatabase(), 1)
  await migrate(db)
  for (const user of ['ada', 'bob', 'eve']) {
    await enable(db, user)
    t.match(await kyselyStorage(db).claimAttempt(user, rules), { granted: true, failedAttempts: 1 })
  }
  await sql`select 1 as two_factor_of_the_host`.execute(db)
  const { rows } = await sql<{ statement: string, uses: string }>`
    select statement, generic_plans + custom_plans as uses from pg_prepared_statements`.execute(db)
  t.match(rows, [{ statement: /^with "claimed" as/, uses: '3' }])
})

t.test('the tables change under a prepared statement as they do in an upgrade, and it goes on', async t => {
  const db = connectPrepared(t, await server.createDatabase(), 1)
  await migrate(db)
  await enable(db, 'ada')
  const storage = kyselyStorage(db)
  for (let count = 1; count < 5; count++) {
    t.match(await storage.claimAttempt('ada', rules), { granted: true, failedAttempts: count })
    await sql`alter table two_factor_users add column ${sql.ref(`later_${count}`)} integer not null default 0`.execute(db)
    await sql`alter table two_factor_authenticators add column ${sql.ref(`later_${count}`)} text`.execute(db)
  }
})

t.test('what is not a value makes a statement of its own', async t => {
  const db = connectPrepared(t, await server.createDatabase(), 1)
  await migrate(db)
  await enable(db, 'ada')
  const storage = kyselyStorage(db)
  const lockAt = (count: number, now: Date, until: Date) =>
    storage.claimAttempt('ada', { ...rules, now, limit: count, locks: [{ count, until }] })
  const [february, march, april] = [new Date('2026-02-01'), new Date('2026-03-01'), new Date('2026-04-01')]
  t.match(await lockAt(2, now, february), { granted: true, lockedUntil: null })
  t.match(await lockAt(2, now, february), { granted: true, lockedUntil: february })
  t.match(await lockAt(3, march, april), { granted: true, lockedUntil: april })
  t.match(await lockAt(3, march, april), { granted: false, lockedUntil: april })
})

t.test('a plugin of the host sees a statement each time: it may make another of it', async t => {
  const pool = new pg.Pool({ connectionString: await server.createDatabase() })
  let schema = 'public'
  const tenants: KyselyPlugin = {
    transformQuery: ({ node, queryId }) => new WithSchemaPlugin(schema).transformQuery({ node, queryId }),
    transformResult: async ({ result }) => result
  }
  const plain = new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool: prepareStatements(pool) }) })
  t.teardown(() => plain.destroy())
  await sql`create schema tenant`.execute(plain)
  await migrate(plain)
  await migrate(plain.withSchema('tenant'))
  await enable(plain, 'ada')
  await enable(plain.withSchema('tenant'), 'ada')

  const storage = kyselyStorage(plain.withPlugin(tenants))
  t.match(await storage.claimAttempt('ada', rules), { granted: true, failedAttempts: 1 })
  schema = 'tenant'
  t.match(await storage.claimAttempt('ada', rules), { granted: true, failedAttempts: 1 })
  t.match(await storage.claimAttempt('ada', rules), { granted: true, failedAttempts: 2 })
  schema = 'public'
  t.match(await storage.claimAttempt('ada', rules), { granted: true, failedAttempts: 2 })
})
