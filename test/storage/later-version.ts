import type { Kysely } from 'kysely'
import type { Test } from 'tap'
import { applyMigrations } from '../../plugin/storage/applied-migrations.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { enabled, rules } from './contract.js'
import { nextMigrations } from './next-migration.js'

/**
 * What a process of this version must do with tables that the next one has upgraded.
 *
 * @param db - Migrated or not, without users.
 */
export async function checkLaterVersion (
  t: Test, db: Kysely<TwoFactorDatabase>, other: Kysely<TwoFactorDatabase>
): Promise<void> {
  await applyMigrations(db, nextMigrations)
  await Promise.all([migrate(db), migrate(other)])
  const rows = await db.withTables<{ two_factor_migrations: { name: string } }>()
    .selectFrom('two_factor_migrations').select('name').orderBy('name').execute()
  t.same(rows.map(({ name }) => name), Object.keys(nextMigrations), 'what the next one has made stays')
  t.equal(await kyselyStorage(db).sampleSecret(), undefined)
  await enabled(kyselyStorage(db))
  t.match(await kyselyStorage(other).claimAttempt('ada', rules), { granted: true })
}
