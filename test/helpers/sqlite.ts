import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from '@photostructure/sqlite'
import { Kysely, SqliteDialect, type Dialect, type SqliteDatabase } from 'kysely'
import type { Test } from 'tap'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'

/** The path of a database that is not there yet, until `t` ends. */
export async function sqliteFile (t: Pick<Test, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'two-factor-sqlite-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return join(folder, 'test.db')
}

/**
 * As docs/operating.md tells a host to open a database. The driver is `node:sqlite` for Node.js 20 too.
 *
 * @param timeout - Milliseconds that SQLite itself waits for another connection, while the process stands still.
 */
export function sqliteDialect (file: string, timeout = 100): Dialect {
  const database = new DatabaseSync(file, { timeout })
  database.exec('pragma journal_mode = wal')
  return new SqliteDialect({ database: asKyselyHasIt(database) })
}

/** A connection of its own until `t` ends. */
export function connectSqlite (t: Pick<Test, 'teardown'>, file: string, timeout?: number): Kysely<TwoFactorDatabase> {
  const db = new Kysely<TwoFactorDatabase>({ dialect: sqliteDialect(file, timeout) })
  t.teardown(() => db.destroy())
  return db
}

/** Kysely knows the interface of better-sqlite3. */
function asKyselyHasIt (database: InstanceType<typeof DatabaseSync>): SqliteDatabase {
  return {
    close: () => database.close(),
    prepare (text) {
      const statement = database.prepare(text)
      type Values = Parameters<typeof statement.all>
      return {
        reader: statement.columns().length > 0,
        all: values => statement.all(...values as Values),
        run: values => statement.run(...values as Values),
        iterate: values => statement.iterate(...values as Values)
      }
    }
  }
}
