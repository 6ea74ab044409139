import type { Database } from './dialects/dialect.js'
import type { TwoFactorStorage } from './storage.js'

/** What is shown of several rows. */
export function lists (db: Database): Pick<TwoFactorStorage, 'listDevices' | 'listOtherKinds'> {
  return {
    async listDevices (userId, now) {
      const rows = await db.selectFrom('two_factor_trusted_devices as d')
        .innerJoin('two_factor_users as u', join => join
          .onRef('u.user_id', '=', 'd.user_id')
          .onRef('u.generation', '=', 'd.generation'))
        .select(['d.id', 'd.label', 'd.created_at', 'd.last_used_at', 'd.expires_at'])
        .where('d.user_id', '=', userId)
        .where('u.user_id', '=', userId)
        .where('u.enabled_at', 'is not', null)
        .where('d.expires_at', '>', now)
        .orderBy('d.created_at')
        .orderBy('d.id')
        .execute()
      return rows.map(row => ({
        id: row.id, label: row.label, createdAt: row.created_at, lastUsedAt: row.last_used_at, expiresAt: row.expires_at
      }))
    },

    async listOtherKinds (kind, { after, limit }) {
      const rows = await db.selectFrom('two_factor_authenticators')
        .select('user_id')
        .distinct()
        .where('kind', '<>', kind)
        .$if(after !== undefined, query => query.where('user_id', '>', after ?? ''))
        .orderBy('user_id')
        .limit(limit)
        .execute()
      return rows.map(row => row.user_id)
    }
  }
}
