import type { Kysely, Migration } from 'kysely'

export const usedCodes: Migration = {
  async up (db: Kysely<unknown>) {
    await db.schema.createTable('two_factor_used_codes').ifNotExists()
      .addColumn('user_id', 'text', column => column.notNull())
      .addColumn('authenticator_id', 'text', column => column.notNull())
      .addColumn('fingerprint', 'bytea', column => column.notNull())
      .addColumn('expires_at', 'timestamptz', column => column.notNull())
      .addPrimaryKeyConstraint('two_factor_used_codes_pkey', ['user_id', 'authenticator_id', 'fingerprint'])
      .execute()
  },

  async down (db: Kysely<unknown>) {
    await db.schema.dropTable('two_factor_used_codes').ifExists().execute()
  }
}
