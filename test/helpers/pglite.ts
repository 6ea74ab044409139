import { PGlite } from '@electric-sql/pglite'
import { Kysely } from 'kysely'
import { PGliteDialect } from 'kysely-pglite-dialect'
import t from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { emptyTables } from './empty-tables.js'

let opened: Promise<Kysely<TwoFactorDatabase>> | undefined

/** Migrated, empty tables on PGlite, in memory. Starting it costs seconds, so the tests of a file share one. */
export async function openPglite (): Promise<Kysely<TwoFactorDatabase>> {
  opened ??= (async () => {
    const pglite = new PGlite()
    // Left open, it keeps the process for ten seconds more.
    t.teardown(() => pglite.close())
    const db = new Kysely<TwoFactorDatabase>({ dialect: new PGliteDialect(pglite) })
    await migrate(db)
    return db
  })()
  const db = await opened
  await emptyTables(db)
  return db
}
