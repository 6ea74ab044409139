import type { Kysely } from 'kysely'
import { BadOptionError } from '../../errors.js'
import type { Dialect } from './dialect.js'
import { mysql } from './mysql.js'
import { postgres } from './postgres.js'
import { sqlite } from './sqlite.js'

/**
 * The dialect of an instance, by what its adapter says that the database can do: Kysely asks every dialect, also those
 * of others, for that.
 *
 * @throws {BadOptionError} for any other database, and for what is no Kysely instance.
 */
export function dialectOf<Database> (db: Kysely<Database>): Dialect {
  const adapter = adapterOf(db)
  if (adapter && !adapter.supportsOutput) {
    if (adapter.supportsReturning) return adapter.supportsTransactionalDdl ? postgres : sqlite
    if (!adapter.supportsTransactionalDdl) return mysql
  }
  throw new BadOptionError('storage', 'kyselyStorage(db) of a Kysely instance for PostgreSQL, SQLite, MySQL or MariaDB')
}

function adapterOf<Database> (db: Kysely<Database>) {
  try {
    return db.getExecutor().adapter
  } catch {
    return undefined
  }
}
