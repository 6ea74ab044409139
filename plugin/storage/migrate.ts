import type { Kysely } from 'kysely'
import { applyMigrations } from './applied-migrations.js'
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
 * Creates or upgrades the tables of the package. Safe to run at every start and from several processes at once, also
 * while others serve: on PostgreSQL it holds them up for half a second at most for each table that it changes. Keeps
 * its record in `two_factor_migrations`, apart from the host's own migrations. What a later version has made stays.
 *
 * @throws What the database answered. A migration that failed has written nothing, and on MySQL, where no transaction
 * holds a change to a table, is done again as a whole.
 */
export async function migrate<Database> (db: Kysely<Database>): Promise<void> {
  await applyMigrations(db, migrations)
}
