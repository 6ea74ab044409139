import type { Kysely } from 'kysely'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'

export const tables = ['users', 'authenticators', 'passes', 'used_codes', 'events', 'trusted_devices'] as const

export async function emptyTables (db: Kysely<TwoFactorDatabase>): Promise<void> {
  for (const table of tables) await db.deleteFrom(`two_factor_${table}`).execute()
}
