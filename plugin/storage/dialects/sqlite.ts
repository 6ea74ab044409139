import { sql } from 'kysely'
import { repeatedly } from '../retries.js'
import type { Dialect, DriverError, UserRow } from './dialect.js'
import { returning } from './returning.js'
import { plainValues } from './values.js'

// SQLite's own words, which every driver hands on. Their codes they name differently, if at all.
const busy = 'database is locked'
const noSuchTable = 'no such table'

/** SQLite 3.37 or newer. It has one writer at a time: whoever begins with a write has taken every row. */
export const sqlite: Dialect = {
  ...returning,
  oneStatement: false,

  types: async () => ({
    key: 'text',
    text: 'text',
    time: 'integer',
    bytes: 'blob',
    hash: 'blob',
    bigint: 'integer',
    // A time that is written as text by mistake is refused; the primary key is the table.
    options: sql`strict, without rowid`,
    updatedOptions: sql`strict, without rowid`
  }),

  migrating: (db, run) => db.connection().execute(async connection => {
    await repeatedly(() => sql`begin immediate`.execute(connection), isConflict)
    try {
      await run(connection)
      await sql`commit`.execute(connection)
    } catch (error) {
      await sql`rollback`.execute(connection)
      throw error
    }
  }),

  prepare: db => db.withPlugin(plainValues),
  transaction: (db, task) => db.transaction().execute(task),

  // A write: a transaction that read first could not write any more once another process has.
  take: (trx, userId, columns) => trx.updateTable('two_factor_users')
    .set(eb => ({ failed_attempts: eb.ref('failed_attempts') }))
    .where('user_id', '=', userId)
    .where('enabled_at', 'is not', null)
    .returning(columns)
    .executeTakeFirst() as Promise<UserRow | undefined>,

  isConflict,

  isMissingTable: error => String((error as DriverError).message).includes(noSuchTable)
}

function isConflict (error: unknown): boolean {
  return String((error as DriverError).message).includes(busy)
}
