import { sql } from 'kysely'
import type { Dialect, DriverError, UserRow } from './dialect.js'
import { returning } from './returning.js'

// SQLSTATE, PostgreSQL's appendix A.
const conflicts: readonly unknown[] = ['40P01', '40001']
const undefinedTable = '42P01'

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

  migrating: (db, run) => run(db),
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
