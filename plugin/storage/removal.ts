import type { Database, Dialect } from './dialects/dialect.js'
import { turnOff } from './enrolments.js'
import type { TwoFactorStorage } from './storage.js'
import { inTransaction } from './transaction.js'

/** Takes one authenticator of several away. */
export function removal (db: Database, dialect: Dialect): Pick<TwoFactorStorage, 'removeAuthenticator'> {
  return {
    removeAuthenticator (userId, id, { keepLast, keepPass }) {
      return inTransaction(db, dialect, async trx => {
        const user = await dialect.take(trx, userId, ['generation'])
        if (!user) return 'unknown'
        const enrolled = await trx.selectFrom('two_factor_authenticators')
          .select('id')
          .where('user_id', '=', userId)
          .execute()
        if (!enrolled.some(authenticator => authenticator.id === id)) return 'unknown'
        if (enrolled.length === 1) {
          if (keepLast) return 'last'
          await turnOff(trx, dialect, userId)
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
