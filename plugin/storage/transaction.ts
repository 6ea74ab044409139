import type { Transaction } from 'kysely'
import type { Database, Dialect } from './dialects/dialect.js'
import type { TwoFactorDatabase } from './schema.js'

/** In a transaction of its own, or in the one that is under way. */
export function inTransaction<Result> (
  db: Database, dialect: Dialect, task: (trx: Transaction<TwoFactorDatabase>) => Promise<Result>
): Promise<Result> {
  return db.isTransaction ? task(db as Transaction<TwoFactorDatabase>) : dialect.transaction(db, task)
}
