import type { Kysely } from 'kysely'
import { createTable, tableTypes } from '../dialects/tables.js'
import type { Migration } from './migration.js'

export const events: Migration = {
  async up (db: Kysely<unknown>) {
    const types = await tableTypes(db)
    await createTable(db, 'two_factor_events', types.options)
      .addColumn('user_id', types.key, column => column.notNull())
      .addColumn('id', types.key, column => column.notNull())
      .addColumn('type', types.text, column => column.notNull())
      .addColumn('at', types.time, column => column.notNull())
      .addColumn('ip', types.text)
      .addColumn('detail', types.text)
      .addPrimaryKeyConstraint('two_factor_events_pkey', ['user_id', 'id'])
      .execute()
  },

  async down (db: Kysely<unknown>) {
    await db.schema.dropTable('two_factor_events').ifExists().execute()
  }
}
