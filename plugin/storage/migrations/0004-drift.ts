import { sql, type Kysely, type Migration } from 'kysely'

export const drift: Migration = {
  async up (db: Kysely<unknown>) {
    await db.schema.alterTable('two_factor_authenticators')
      .addColumn('drift', 'integer', column => column.ifNotExists().notNull().defaultTo(0))
      .addColumn('hinted_step', 'bigint', column => column.ifNotExists())
      .addColumn('hinted_at', 'timestamptz', column => column.ifNotExists())
      .execute()
  },

  async down (db: Kysely<unknown>) {
    for (const column of ['drift', 'hinted_step', 'hinted_at']) {
      await sql`alter table if exists two_factor_authenticators drop column if exists ${sql.ref(column)}`.execute(db)
    }
  }
}
