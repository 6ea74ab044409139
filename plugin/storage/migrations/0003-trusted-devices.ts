import type { Kysely } from 'kysely'
import { addColumns, createTable, dropColumns, tableTypes } from '../dialects/tables.js'
import type { Migration } from './migration.js'

export const trustedDevices: Migration = {
  async up (db: Kysely<unknown>) {
    const types = await tableTypes(db)
    await createTable(db, 'two_factor_trusted_devices', types.updatedOptions)
      .addColumn('user_id', types.key, column => column.notNull())
      .addColumn('id', types.key, column => column.notNull())
      .addColumn('generation', 'integer', column => column.notNull())
      .addColumn('token_hash', types.hash, column => column.notNull())
      .addColumn('previous_hash', types.hash)
      .addColumn('rotated_at', types.time, column => column.notNull())
      .addColumn('label', types.text, column => column.notNull())
      .addColumn('created_at', types.time, column => column.notNull())
      .addColumn('last_used_at', types.time)
      .addColumn('expires_at', types.time, column => column.notNull())
      .addPrimaryKeyConstraint('two_factor_trusted_devices_pkey', ['user_id', 'id'])
      .execute()
    // A pass that came of a device ends with it.
    await addColumns(db, 'two_factor_passes', [{ name: 'device_id', type: types.key }])
  },

  async down (db: Kysely<unknown>) {
    await dropColumns(db, 'two_factor_passes', ['device_id'])
    await db.schema.dropTable('two_factor_trusted_devices').ifExists().execute()
  }
}
