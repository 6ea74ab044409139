import { sql, type Kysely } from 'kysely'
import { addColumns, createTable, tableTypes } from '../../plugin/storage/dialects/tables.js'
import { migrations } from '../../plugin/storage/migrate.js'
import type { Migration } from '../../plugin/storage/migrations/migration.js'

/** All that the migrations of the next version may do, by the rules of CONTRIBUTING.md. */
export const nextMigration: Migration = {
  async up (db: Kysely<unknown>) {
    const types = await tableTypes(db)
    await addColumns(db, 'two_factor_users', [
      { name: 'next_count', type: 'integer', build: column => column.notNull().defaultTo(0) }, { name: 'next_time', type: types.time }
    ])
    // The default in brackets, or MySQL lets no text have one.
    const kind = sql`('totp')`
    await addColumns(db, 'two_factor_passes', [{ name: 'next_kind', type: types.text, build: column => column.notNull().defaultTo(kind) }])
    await createTable(db, 'two_factor_next', types.options)
      .addColumn('user_id', types.key, column => column.notNull())
      .addColumn('id', types.key, column => column.notNull())
      .addColumn('at', types.time, column => column.notNull())
      .addPrimaryKeyConstraint('two_factor_next_pkey', ['user_id', 'id'])
      // An index with its table, as MySQL makes no other one only if it is not there.
      .addUniqueConstraint('two_factor_next_at', ['user_id', 'at', 'id'])
      .execute()
  },

  async down (db: Kysely<unknown>) {
    await sql`drop table two_factor_next`.execute(db)
  }
}

/** As the next version has them. */
export const nextMigrations: Readonly<Record<string, Migration>> = {
  ...migrations, two_factor_9999_next: nextMigration
}
