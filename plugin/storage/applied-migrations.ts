import type { Kysely } from 'kysely'
import { dialectOf } from './dialects/detect.js'
import type { Dialect } from './dialects/dialect.js'
import type { Migration } from './migrations/migration.js'

interface Migrations {
  /** As Kysely's migrator has its table. */
  two_factor_migrations: {
    readonly name: string
    readonly timestamp: string
  }
}

/**
 * Makes the migrations that the database does not have yet, in the order in which they are given, and records them.
 * Kysely's own migrator would not do: its lock belongs to a session, which PgBouncer gives to somebody else, and it
 * refuses a database that a later version has upgraded, which the processes of this one are to serve meanwhile.
 */
export async function applyMigrations<Database> (
  host: Kysely<Database>, migrations: Readonly<Record<string, Migration>>
): Promise<void> {
  const db = host as Kysely<unknown>
  const dialect = dialectOf(db)
  const isNew = (applied: ReadonlySet<string>) => ([name]: [string, Migration]) => !applied.has(name)
  // Mostly there is nothing to do, and so nothing to wait for.
  if (!Object.entries(migrations).some(isNew(await appliedTo(db, dialect)))) return
  await dialect.migrating(db, async db => {
    await db.schema.createTable('two_factor_migrations').ifNotExists()
      .addColumn('name', 'varchar(255)', column => column.notNull().primaryKey())
      .addColumn('timestamp', 'varchar(255)', column => column.notNull())
      .execute()
    for (const [name, migration] of Object.entries(migrations).filter(isNew(await appliedTo(db, dialect)))) {
      await migration.up(db)
      await (db as Kysely<Migrations>).insertInto('two_factor_migrations')
        .values({ name, timestamp: new Date().toISOString() })
        .execute()
    }
  })
}

async function appliedTo (db: Kysely<unknown>, dialect: Dialect): Promise<ReadonlySet<string>> {
  try {
    const rows = await (db as Kysely<Migrations>).selectFrom('two_factor_migrations').select('name').execute()
    return new Set(rows.map(({ name }) => name))
  } catch (error) {
    if (!dialect.isMissingTable(error)) throw error
    return new Set()
  }
}
