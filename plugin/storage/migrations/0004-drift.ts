import type { Kysely } from 'kysely'
import { addColumns, dropColumns, tableTypes } from '../dialects/tables.js'
import type { Migration } from './migration.js'

export const drift: Migration = {
  async up (db: Kysely<unknown>) {
    const types = await tableTypes(db)
    await addColumns(db, 'two_factor_authenticators', [
      { name: 'drift', type: 'integer', build: column => column.notNull().defaultTo(0) },
      { name: 'hinted_step', type: types.bigint },
      { name: 'hinted_at', type: types.time }
    ])
  },

  async down (db: Kysely<unknown>) {
    await dropColumns(db, 'two_factor_authenticators', ['drift', 'hinted_step', 'hinted_at'])
  }
}
