import * as kysely from 'kysely'
import type { Kysely } from 'kysely'
import { dialectOf } from './dialects/detect.js'
import { initial } from './migrations/0001-initial.js'
import { usedCodes } from './migrations/0002-used-codes.js'
import { trustedDevices } from './migrations/0003-trusted-devices.js'
import { drift } from './migrations/0004-drift.js'
import { events } from './migrations/0005-events.js'
import type { Migration } from './migrations/migration.js'

/** The migrations of the package, for a host that adds them to its own Kysely migrator. The names never change. */
export const migrations: Readonly<Record<string, Migration>> = Object.freeze({
  two_factor_0001_initial: initial,
  two_factor_0002_used_codes: usedCodes,
  two_factor_0003_trusted_devices: trustedDevices,
  two_factor_0004_drift: drift,
  two_factor_0005_events: events
})

/**
 * Creates or upgrades the tables of the package. Safe to run at every start and from several processes at once.
 * Keeps its record in `two_factor_migrations`, apart from the host's own migrations.
 *
 * @throws What the database answered. A migration that failed has written nothing, and on MySQL, where no transaction
 * holds a change to a table, is done again as a whole.
 */
export async function migrate<Database> (db: Kysely<Database>): Promise<void> {
  await dialectOf(db).migrating(db as Kysely<unknown>, runMigrations)
}

async function runMigrations (db: Kysely<unknown>): Promise<void> {
  const Migrator = await loadMigrator()
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => ({ ...migrations }) },
    migrationTableName: 'two_factor_migrations',
    migrationLockTableName: 'two_factor_migrations_lock'
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined) throw error
}

/** Kysely 0.29 moved it into a module of its own, which 0.28 does not have. */
async function loadMigrator (): Promise<typeof kysely.Migrator> {
  if ('Migrator' in kysely) return kysely.Migrator
  // @ts-expect-error -- The types here are those of 0.28.
  const moved = await import('kysely/migration') as Pick<typeof kysely, 'Migrator'>
  return moved.Migrator
}
