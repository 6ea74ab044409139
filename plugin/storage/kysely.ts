import type { Kysely } from 'kysely'
import { BadOptionError } from '../errors.js'
import type { Database, Dialect } from './dialects/dialect.js'
import { dialectOf } from './dialects/detect.js'
import { enrolments } from './enrolments.js'
import { events, putEvents } from './events.js'
import { lists } from './lists.js'
import { countRecoveryHashes } from './recovery-hashes.js'
import { runRemembered } from './remembered.js'
import { removal } from './removal.js'
import { retryingStorage } from './retries.js'
import { authenticatorColumns, fromRow } from './rows.js'
import { inStatements } from './statements/statements.js'
import type { TwoFactorStorage } from './storage.js'
import { inTransaction } from './transaction.js'
import { inTransactions } from './transactions/transactions.js'

/**
 * Storage on PostgreSQL (`pg`, PGlite), SQLite, MySQL or MariaDB, through any Kysely instance that speaks one of them.
 * Run `migrate(db)` before.
 *
 * Every statement names its user and takes that user's row of `two_factor_users` before any other row: statements on
 * one user cannot deadlock, and those on two users never meet. On PostgreSQL each decision is one statement, elsewhere
 * one short transaction. One that the database gave up for another one (SQLSTATE 40001, 40P01) is done again for up to
 * five seconds.
 *
 * @param host - The host's own instance. It stays the host's: the package neither closes nor configures it. A pool of
 * `pg` needs an `error` listener, or a restart of the database ends the process.
 * @throws {BadOptionError} if it is for another database.
 */
export function kyselyStorage<HostDatabase> (host: Kysely<HostDatabase>): TwoFactorStorage {
  const dialect = dialectOf(host)
  const storage = createStorage(dialect.prepare(host as unknown as Database), dialect)
  // What met another one wrote nothing. In a transaction of the host all of that would have to be done again.
  return host.isTransaction ? storage : retryingStorage(storage, dialect.isConflict)
}

function createStorage (db: Database, dialect: Dialect): TwoFactorStorage {
  return {
    ...dialect.oneStatement ? inStatements(db) : inTransactions(db, dialect),
    ...enrolments(db, dialect),
    ...events(db, dialect),
    ...lists(db),
    ...removal(db, dialect),

    withEvents: (userId, change, eventsOf) => inTransaction(db, dialect, async trx => {
      const result = await change(createStorage(trx, dialect))
      await putEvents(trx, dialect, userId, eventsOf(result))
      return result
    }),

    async isEnabled (userId) {
      const row = await db.selectFrom('two_factor_users')
        .select('enabled_at')
        .where('user_id', '=', userId)
        .executeTakeFirst()
      return row !== undefined && row.enabled_at !== null
    },

    async findStatus (userId) {
      const user = await db.selectFrom('two_factor_users')
        .select(['enabled_at', 'failed_attempts', 'locked_until', 'disabled_at', 'recovery_hashes'])
        .where('user_id', '=', userId)
        .executeTakeFirst()
      if (!user) return undefined

      const authenticators = await db.selectFrom('two_factor_authenticators')
        .select(authenticatorColumns)
        .where('user_id', '=', userId)
        .orderBy('created_at')
        .orderBy('id')
        .execute()
      return {
        enabledAt: user.enabled_at,
        failedAttempts: user.failed_attempts,
        lockedUntil: user.locked_until,
        disabledAt: user.disabled_at,
        authenticators: authenticators.map(fromRow),
        recoveryCodesLeft: countRecoveryHashes(user.recovery_hashes)
      }
    },

    async findPass (userId, idHash) {
      const [row] = await runRemembered(db, 'findPass', { userId, idHash }, ({ userId, idHash }) =>
        db.selectFrom('two_factor_passes as p')
          .innerJoin('two_factor_users as u', join => join
            .onRef('u.user_id', '=', 'p.user_id')
            .onRef('u.generation', '=', 'p.generation'))
          .select(['p.method', 'p.passed_at', 'p.expires_at'])
          .where('p.user_id', '=', userId)
          .where('p.id_hash', '=', idHash)
          .where('u.enabled_at', 'is not', null)
          // One that a device gave ends with the device.
          .where(eb => eb.or([
            eb('p.device_id', 'is', null),
            eb.exists(eb.selectFrom('two_factor_trusted_devices as d')
              .select('d.id')
              .where('d.user_id', '=', userId)
              .whereRef('d.id', '=', 'p.device_id')
              .whereRef('d.generation', '=', 'u.generation'))
          ])))
      return row && { idHash, method: row.method, passedAt: row.passed_at, expiresAt: row.expires_at }
    },

    async endPass (userId, idHash) {
      await db.deleteFrom('two_factor_passes')
        .where('user_id', '=', userId)
        .where('id_hash', '=', idHash)
        .execute()
    },

    async unlock (userId) {
      const row = await dialect.change(db, userId, db.updateTable('two_factor_users')
        .set({ failed_attempts: 0, locked_until: null, disabled_at: null })
        .where('user_id', '=', userId)
        .where('enabled_at', 'is not', null), ['user_id'])
      return row !== undefined
    },

    async sampleSecret () {
      try {
        // The newest table: without it, the database has not been upgraded.
        await db.selectFrom('two_factor_events').select('user_id').limit(0).execute()
        const row = await db.selectFrom('two_factor_authenticators')
          .select(['user_id', 'id', 'secret'])
          .limit(1)
          .executeTakeFirst()
        return row && { userId: row.user_id, id: row.id, secret: row.secret }
      } catch (error) {
        if (!dialect.isMissingTable(error)) throw error
        throw new BadOptionError('storage', 'migrated: run `await migrate(db)` before the app starts')
      }
    }
  }
}
