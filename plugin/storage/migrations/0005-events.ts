import type { Kysely, Migration } from 'kysely'

export const events: Migration = {
  async up (db: Kysely<unknown>) {
    await db.schema.createTable('two_factor_events').ifNotExists()
      .addColumn('user_id', 'text', column => column.notNull())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('type', 'text', column => column.notNull())
      .addColumn('at', 'timestamptz', column => column.notNull())
      .addColumn('ip', 'text')
      .addColumn('detail', 'text')
      .addPrimaryKeyConstraint('two_factor_events_pkey', ['user_id', 'id'])
      .execute()
  },

  async down (db: Kysely<unknown>) {
    await db.schema.dropTable('two_factor_events').ifExists().execute()
  }
}
