import { sql, type Kysely, type Migration } from 'kysely'

// No foreign keys: each statement of the storage keeps the tables together by itself, and a key would cost every
// sign-in a look at the parent row that it has just locked. The free space lets updates stay on their page (HOT).
const roomForUpdates = sql`with (fillfactor = 80)`

export const initial: Migration = {
  async up (db: Kysely<unknown>) {
    await db.schema.createTable('two_factor_users').ifNotExists()
      .addColumn('user_id', 'text', column => column.primaryKey())
      .addColumn('enabled_at', 'timestamptz')
      .addColumn('failed_attempts', 'integer', column => column.notNull().defaultTo(0))
      .addColumn('locked_until', 'timestamptz')
      .addColumn('disabled_at', 'timestamptz')
      .addColumn('generation', 'integer', column => column.notNull().defaultTo(1))
      .addColumn('recovery_salt', 'bytea')
      .addColumn('created_at', 'timestamptz', column => column.notNull())
      .modifyEnd(roomForUpdates)
      .execute()

    await db.schema.createTable('two_factor_authenticators').ifNotExists()
      .addColumn('user_id', 'text', column => column.notNull())
      .addColumn('id', 'text', column => column.notNull())
      .addColumn('kind', 'text', column => column.notNull())
      .addColumn('name', 'text', column => column.notNull())
      .addColumn('secret', 'bytea', column => column.notNull())
      .addColumn('key_encoding', 'text', column => column.notNull())
      .addColumn('algorithm', 'text', column => column.notNull())
      .addColumn('digits', 'integer', column => column.notNull())
      .addColumn('period', 'integer', column => column.notNull())
      .addColumn('last_step', 'bigint', column => column.notNull())
      .addColumn('created_at', 'timestamptz', column => column.notNull())
      .addColumn('last_used_at', 'timestamptz')
      .addPrimaryKeyConstraint('two_factor_authenticators_pkey', ['user_id', 'id'])
      .modifyEnd(roomForUpdates)
      .execute()

    await db.schema.createTable('two_factor_recovery_codes').ifNotExists()
      .addColumn('user_id', 'text', column => column.notNull())
      .addColumn('hash', 'bytea', column => column.notNull())
      .addColumn('used_at', 'timestamptz')
      .addPrimaryKeyConstraint('two_factor_recovery_codes_pkey', ['user_id', 'hash'])
      .execute()

    await db.schema.createTable('two_factor_passes').ifNotExists()
      .addColumn('user_id', 'text', column => column.notNull())
      .addColumn('id_hash', 'bytea', column => column.notNull())
      .addColumn('generation', 'integer', column => column.notNull())
      .addColumn('method', 'text', column => column.notNull())
      .addColumn('passed_at', 'timestamptz', column => column.notNull())
      .addColumn('expires_at', 'timestamptz', column => column.notNull())
      .addPrimaryKeyConstraint('two_factor_passes_pkey', ['user_id', 'id_hash'])
      .execute()
  },

  async down (db: Kysely<unknown>) {
    for (const table of ['passes', 'recovery_codes', 'authenticators', 'users']) {
      await db.schema.dropTable(`two_factor_${table}`).ifExists().execute()
    }
  }
}
