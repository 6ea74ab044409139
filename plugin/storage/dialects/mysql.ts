import { sql, type Kysely } from 'kysely'
import type { Dialect, DriverError, UserRow } from './dialect.js'
import { plainValues } from './values.js'

// ER_LOCK_WAIT_TIMEOUT, ER_LOCK_DEADLOCK, ER_NO_SUCH_TABLE.
const conflicts: readonly unknown[] = [1205, 1213]
const noSuchTable = 1146

const idLength = 255

// Such locks belong to the server, and their names have at most 64 characters. MySQL 9.6 or newer has no SHA1.
const lockName = sql`concat('two_factor.', left(sha2(database(), 256), 40))`
// In seconds.
const longestMigration = 3_600

/** MySQL 8.0.17, MariaDB 10.6, or newer. */
export const mysql: Dialect = {
  oneStatement: false,

  async types (db) {
    const table = sql`engine = InnoDB row_format = dynamic default character set = utf8mb4`
    return {
      key: sql`varchar(${sql.lit(idLength)}) character set utf8mb4 collate ${sql.raw(await exactCollation(db))}`,
      text: 'text',
      time: 'bigint',
      bytes: 'blob',
      hash: sql`varbinary(64)`,
      bigint: 'bigint',
      options: table,
      updatedOptions: table
    }
  },

  migrating: (db, run) => db.connection().execute(async connection => {
    const { rows: [lock] } = await sql<{ taken: number | null }>`select get_lock(${lockName}, ${longestMigration}) as taken`
      .execute(connection)
    if (lock?.taken !== 1) throw new Error('Another process has been at the migrations for an hour')
    try {
      await run(connection)
    } finally {
      await sql`select release_lock(${lockName})`.execute(connection)
    }
  }),
  prepare: db => db.withPlugin(plainValues),

  // The level that servers begin with locks the gaps between rows too, where neighbours of a user have to write, and
  // goes on to read what was there before it had the lock.
  transaction: (db, task) => db.transaction().setIsolationLevel('read committed').execute(task),

  take: (trx, userId, columns) => trx.selectFrom('two_factor_users')
    .select(columns)
    .where('user_id', '=', userId)
    .where('enabled_at', 'is not', null)
    .forUpdate()
    .executeTakeFirst() as Promise<UserRow | undefined>,

  async change (trx, userId, change, columns) {
    const { numUpdatedRows } = await change.executeTakeFirst()
    if (numUpdatedRows === 0n) return undefined
    return trx.selectFrom('two_factor_users').select(columns).where('user_id', '=', userId)
      .executeTakeFirst() as Promise<UserRow | undefined>
  },

  async enable (trx, userId, at, recovery) {
    await placeUsers(trx, [{ user_id: userId, created_at: at }])
    const user = await trx.selectFrom('two_factor_users')
      .select(['enabled_at', 'generation'])
      .where('user_id', '=', userId)
      .forUpdate()
      .executeTakeFirstOrThrow()
    if (user.enabled_at !== null) return undefined
    const generation = user.generation + 1
    await trx.updateTable('two_factor_users')
      .set({
        enabled_at: at, failed_attempts: 0, locked_until: null, disabled_at: null, generation, ...recovery
      })
      .where('user_id', '=', userId)
      .execute()
    return generation
  },

  async enableNew (trx, users) {
    await placeUsers(trx, users.map(({ userId, at, salt }) =>
      ({ user_id: userId, enabled_at: at, recovery_salt: salt, created_at: at })))
    const placed = await trx.selectFrom('two_factor_users')
      .select('user_id')
      .where('user_id', 'in', users.map(({ userId }) => userId))
      .where('generation', '=', unborn)
      .execute()
    const ids = placed.map(row => row.user_id)
    if (ids.length > 0) {
      await trx.updateTable('two_factor_users').set({ generation: 1 }).where('user_id', 'in', ids).execute()
    }
    return ids
  },

  async putEvents (db, events) {
    // MySQL would rather have an alias for the row than VALUES, but MariaDB has none.
    await db.insertInto('two_factor_events')
      .values(events)
      .onDuplicateKeyUpdate({ type: sql`values(type)`, detail: sql`values(detail)` })
      .execute()
  },

  async deleteEvents (db, until, limit) {
    const { numDeletedRows } = await db.deleteFrom('two_factor_events').where('at', '<', until).limit(limit)
      .executeTakeFirst()
    return Number(numDeletedRows)
  },

  isConflict: error => conflicts.includes((error as DriverError).errno),
  isMissingTable: error => (error as DriverError).errno === noSuchTable
}

// No row that is committed has this generation, so who sees it in a transaction has just put it there.
const unborn = 0

/** Sees to it that these users have a row, and takes it. INSERT IGNORE would ignore every other error too. */
async function placeUsers (
  trx: Parameters<Dialect['take']>[0], rows: ReadonlyArray<Partial<UserRow> & Pick<UserRow, 'user_id' | 'created_at'>>
): Promise<void> {
  // Outside the strict mode of the server, a longer one would be cut off, and be another user's.
  if (rows.some(row => [...row.user_id].length > idLength)) {
    throw new RangeError(`A user id has at most ${idLength} characters`)
  }
  await trx.insertInto('two_factor_users')
    .values(rows.map(row => ({ ...row, generation: unborn })))
    .onDuplicateKeyUpdate(eb => ({ user_id: eb.ref('user_id') }))
    .execute()
}

/** Compares byte by byte, a space at the end too. The two servers have it under different names. */
async function exactCollation (db: Kysely<unknown>): Promise<'utf8mb4_nopad_bin' | 'utf8mb4_0900_bin'> {
  const { rows: [row] } = await sql<{ version: string }>`select version() as version`.execute(db)
  return row?.version.includes('MariaDB') ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin'
}
