import { sql, type Kysely } from 'kysely'
import { repeatedly } from '../retries.js'
import type { Dialect, DriverError, UserRow } from './dialect.js'
import { returning } from './returning.js'

// SQLSTATE, PostgreSQL's appendix A.
const conflicts: readonly unknown[] = ['40P01', '40001']
const undefinedTable = '42P01'
const lockNotAvailable = '55P03'

// Of the migrations, among the advisory locks of the database.
const lockId = 2_026_423_800

// Below deadlock_timeout, 1 s by default: in a deadlock with a sign-in it is the migration that gives up.
const longestWait = '500ms'
const untilReadersAreGone = { patience: 60_000, longestPause: 2_000 }

/** PostgreSQL. */
export const postgres: Dialect = {
  ...returning,
  oneStatement: true,

  types: async () => ({
    key: 'text',
    text: 'text',
    time: 'timestamptz',
    bytes: 'bytea',
    hash: 'bytea',
    bigint: 'bigint',
    options: undefined,
    // The free space lets updates stay on their page (HOT).
    updatedOptions: sql`with (fillfactor = 80)`
  }),

  migrating: (db, run) => repeatedly(() => migrateAlone(db, run), isLocked, untilReadersAreGone),
  prepare: db => db,
  transaction: (db, task) => db.transaction().execute(task),

  take: (trx, userId, columns) => trx.selectFrom('two_factor_users')
    .select(columns)
    .where('user_id', '=', userId)
    .where('enabled_at', 'is not', null)
    .forUpdate()
    .executeTakeFirst() as Promise<UserRow | undefined>,

  isConflict: error => conflicts.includes((error as DriverError).code),
  isMissingTable: error => (error as DriverError).code === undefinedTable
}

/**
 * The lock goes with the transaction, by whatever pooler it comes. Whoever wants to change a table waits for those who
 * read it, a backup for example, and everybody else waits behind; so it gives up soon, and tries again a moment later.
 */
async function migrateAlone (db: Kysely<unknown>, run: (db: Kysely<unknown>) => Promise<void>): Promise<void> {
  await db.transaction().setIsolationLevel('read committed').execute(async trx => {
    await sql`select pg_advisory_xact_lock(${sql.lit(lockId)})`.execute(trx)
    await sql`set local lock_timeout = ${sql.lit(longestWait)}`.execute(trx)
    await run(trx)
  })
}

function isLocked (error: unknown): boolean {
  return (error as DriverError).code === lockNotAvailable
}
