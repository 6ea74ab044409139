import { turnOff } from './enrolments.js'
import { inTransaction, type Database } from './rows.js'
import type { TwoFactorStorage } from './storage.js'

type Authenticators = Pick<TwoFactorStorage, 'renameAuthenticator' | 'removeAuthenticator'>

/** What a user changes about one authenticator of several. */
export function authenticators (db: Database): Authenticators {
  return {
    async renameAuthenticator (userId, id, name) {
      const row = await db
        .with('locked', db => db.selectFrom('two_factor_users')
          .select('user_id')
          .where('user_id', '=', userId)
          .where('enabled_at', 'is not', null)
          .forUpdate())
        .updateTable('two_factor_authenticators')
        .from('locked')
        .set({ name })
        .where('two_factor_authenticators.user_id', '=', userId)
        .whereRef('two_factor_authenticators.user_id', '=', 'locked.user_id')
        .where('id', '=', id)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    removeAuthenticator (userId, id, { keepLast, keepPass }) {
      return inTransaction(db, async trx => {
        const user = await trx.selectFrom('two_factor_users')
          .select('generation')
          .where('user_id', '=', userId)
          .where('enabled_at', 'is not', null)
          .forUpdate()
          .executeTakeFirst()
        if (!user) return 'unknown'
        const enrolled = await trx.selectFrom('two_factor_authenticators')
          .select('id')
          .where('user_id', '=', userId)
          .execute()
        if (!enrolled.some(authenticator => authenticator.id === id)) return 'unknown'
        if (enrolled.length === 1) {
          if (keepLast) return 'last'
          await turnOff(trx, userId)
          return 'disabled'
        }

        await trx.deleteFrom('two_factor_authenticators').where('user_id', '=', userId).where('id', '=', id).execute()
        await trx.deleteFrom('two_factor_used_codes')
          .where('user_id', '=', userId)
          .where('authenticator_id', '=', id)
          .execute()
        await trx.updateTable('two_factor_users')
          .set({ generation: user.generation + 1 })
          .where('user_id', '=', userId)
          .execute()
        if (keepPass) {
          await trx.updateTable('two_factor_passes')
            .set({ generation: user.generation + 1 })
            .where('user_id', '=', userId)
            .where('id_hash', '=', keepPass)
            // One that was revoked meanwhile stays so.
            .where('generation', '=', user.generation)
            .execute()
        }
        return 'removed'
      })
    }
  }
}
