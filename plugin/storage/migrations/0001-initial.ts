import type { Kysely } from 'kysely'
import { createTable, tableTypes } from '../dialects/tables.js'
import type { Migration } from './migration.js'

// No foreign keys: each statement of the storage keeps the tables together by itself, and a key would cost every
// sign-in a look at the parent row that it has just locked.

export const initial: Migration = {
  async up (db: Kysely<unknown>) {
    const types = await tableTypes(db)
    await createTable(db, 'two_factor_users', types.updatedOptions)
      .addColumn('user_id', types.key, column => column.primaryKey())
      .addColumn('enabled_at', types.time)
      .addColumn('failed_attempts', 'integer', column => column.notNull().defaultTo(0))
      .addColumn('locked_until', types.time)
      .addColumn('disabled_at', types.time)
      .addColumn('generation', 'integer', column => column.notNull().defaultTo(1))
      .addColumn('recovery_salt', types.bytes)
      .addColumn('recovery_hashes', types.bytes)
      .addColumn('created_at', types.time, column => column.notNull())
      .execute()

    await createTable(db, 'two_factor_authenticators', types.updatedOptions)
      .addColumn('user_id', types.key, column => column.notNull())
      .addColumn('id', types.key, column => column.notNull())
      .addColumn('kind', types.text, column => column.notNull())
      .addColumn('name', types.text, column => column.notNull())
      .addColumn('secret', types.bytes, column => column.notNull())
      .addColumn('key_encoding', types.text, column => column.notNull())
      .addColumn('algorithm', types.text, column => column.notNull())
      .addColumn('digits', 'integer', column => column.notNull())
      .addColumn('period', 'integer', column => column.notNull())
      .addColumn('last_step', types.bigint, column => column.notNull())
      .addColumn('created_at', types.time, column => column.notNull())
      .addColumn('last_used_at', types.time)
      .addPrimaryKeyConstraint('two_factor_authenticators_pkey', ['user_id', 'id'])
      .execute()

    await createTable(db, 'two_factor_passes', types.options)
      .addColumn('user_id', types.key, column => column.notNull())
      .addColumn('id_hash', types.hash, column => column.notNull())
      .addColumn('generation', 'integer', column => column.notNull())
      .addColumn('method', types.text, column => column.notNull())
      .addColumn('passed_at', types.time, column => column.notNull())
      .addColumn('expires_at', types.time, column => column.notNull())
      .addPrimaryKeyConstraint('two_factor_passes_pkey', ['user_id', 'id_hash'])
      .execute()
  },

  async down (db: Kysely<unknown>) {
    for (const table of ['passes', 'authenticators', 'users']) {
      await db.schema.dropTable(`two_factor_${table}`).ifExists().execute()
    }
  }
}
