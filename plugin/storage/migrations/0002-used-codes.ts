import type { Kysely } from 'kysely'
import { createTable, tableTypes } from '../dialects/tables.js'
import type { Migration } from './migration.js'

export const usedCodes: Migration = {
  async up (db: Kysely<unknown>) {
    const types = await tableTypes(db)
    await createTable(db, 'two_factor_used_codes', types.options)
      .addColumn('user_id', types.key, column => column.notNull())
      .addColumn('authenticator_id', types.key, column => column.notNull())
      .addColumn('fingerprint', types.hash, column => column.notNull())
      .addColumn('expires_at', types.time, column => column.notNull())
      .addPrimaryKeyConstraint('two_factor_used_codes_pkey', ['user_id', 'authenticator_id', 'fingerprint'])
      .execute()
  },

  async down (db: Kysely<unknown>) {
    await db.schema.dropTable('two_factor_used_codes').ifExists().execute()
  }
}
