import type { Kysely } from 'kysely'
import { BadOptionError } from '../errors.js'
import { attempts } from './attempts.js'
import { authenticators } from './authenticators.js'
import { devices } from './devices.js'
import { enrolments } from './enrolments.js'
import { events, insertEvents } from './events.js'
import { maintenance } from './maintenance.js'
import { authenticatorColumns, fromRow, inTransaction, type Database } from './rows.js'
import { sealedValues } from './sealed-values.js'
import type { TwoFactorDatabase } from './schema.js'
import type { TwoFactorStorage } from './storage.js'
import { usedCodes } from './used-codes.js'

// SQLSTATE, PostgreSQL's appendix A.
const undefinedTable = '42P01'

/**
 * Storage on PostgreSQL, through any Kysely instance that speaks it (`pg`, PGlite). Run `migrate(db)` before.
 *
 * Every statement names its user and takes that user's row of `two_factor_users` before any other row: statements on
 * one user cannot deadlock, and those on two users never meet.
 *
 * @param host - The host's own instance. It stays the host's: the package neither closes nor configures it. A pool of
 * `pg` needs an `error` listener, or a restart of the database ends the process.
 */
export function kyselyStorage<HostDatabase> (host: Kysely<HostDatabase>): TwoFactorStorage {
  const db = host as unknown as Database

  return {
    ...attempts(db),
    ...authenticators(db),
    ...devices(db),
    ...enrolments(db),
    ...events(db),
    ...maintenance(db),
    ...sealedValues(db),
    ...usedCodes(db),

    withEvents: (userId, change, eventsOf) => inTransaction(db, async trx => {
      const result = await change(kyselyStorage<TwoFactorDatabase>(trx))
      await insertEvents(trx, userId, eventsOf(result))
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
      const user = await db.selectFrom('two_factor_users as u')
        .select(['u.enabled_at', 'u.failed_attempts', 'u.locked_until', 'u.disabled_at'])
        .select(eb => eb.selectFrom('two_factor_recovery_codes as r')
          .select(eb => eb.fn.countAll<string | number>().as('unused'))
          .where('r.user_id', '=', userId)
          .where('r.used_at', 'is', null)
          .as('unused'))
        .where('u.user_id', '=', userId)
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
        recoveryCodesLeft: Number(user.unused)
      }
    },

    async findPass (userId, idHash) {
      const row = await db.selectFrom('two_factor_passes as p')
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
        ]))
        .executeTakeFirst()
      return row && { idHash, method: row.method, passedAt: row.passed_at, expiresAt: row.expires_at }
    },

    async endPass (userId, idHash) {
      await db.deleteFrom('two_factor_passes')
        .where('user_id', '=', userId)
        .where('id_hash', '=', idHash)
        .execute()
    },

    async unlock (userId) {
      const row = await db.updateTable('two_factor_users')
        .set({ failed_attempts: 0, locked_until: null, disabled_at: null })
        .where('user_id', '=', userId)
        .where('enabled_at', 'is not', null)
        .returning('user_id')
        .executeTakeFirst()
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
        if ((error as { code?: unknown }).code !== undefinedTable) throw error
        throw new BadOptionError('storage', 'migrated: run `await migrate(db)` before the app starts')
      }
    }
  }
}
