import type { Database } from '../dialects/dialect.js'
import type { TwoFactorStorage } from '../storage.js'

/** What a user changes about one authenticator of several. */
export function authenticators (db: Database): Pick<TwoFactorStorage, 'renameAuthenticator'> {
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
    }
  }
}
