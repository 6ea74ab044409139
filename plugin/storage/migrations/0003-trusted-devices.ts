import { sql, type Kysely, type Migration } from 'kysely'

export const trustedDevices: Migration = {
  async up (db: Kysely<unknown>) {
    await db.schema.createTable('two_factor_trusted_devices').ifNotExists()
      .addColumn('user_id', 'text', column => column.notNull())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('generation', 'integer', column => column.notNull())
      .addColumn('token_hash', 'bytea', column => column.notNull())
      .addColumn('previous_hash', 'bytea')
      .addColumn('rotated_at', 'timestamptz', column => column.notNull())
      .addColumn('label', 'text', column => column.notNull())
      .addColumn('created_at', 'timestamptz', column => column.notNull())
      .addColumn('last_used_at', 'timestamptz')
      .addColumn('expires_at', 'timestamptz', column => column.notNull())
      .addPrimaryKeyConstraint('two_factor_trusted_devices_pkey', ['user_id', 'id'])
      // Each use is an update: on their page, they leave no work behind (HOT).
      .modifyEnd(sql`with (fillfactor = 80)`)
      .execute()
    // A pass that came of a device ends with it.
    await db.schema.alterTable('two_factor_passes')
      .addColumn('device_id', 'text', column => column.ifNotExists())
      .execute()
  },

  async down (db: Kysely<unknown>) {
    await sql`alter table if exists two_factor_passes drop column if exists device_id`.execute(db)
    await db.schema.dropTable('two_factor_trusted_devices').ifExists().execute()
  }
}
