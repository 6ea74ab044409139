import { sql, type Kysely } from 'kysely'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'

/** A lock as PostgreSQL tells it. */
export interface Lock {
  readonly locktype: string
  readonly mode: string
  /** `false`: somebody waits for it. */
  readonly granted: boolean
}

/** The locks of one database: other test files, which lock theirs, are on the same server. */
export async function locksOf (db: Kysely<TwoFactorDatabase>): Promise<Lock[]> {
  const { rows } = await sql<Lock>`select locktype, mode, granted from pg_locks join pg_database d on d.oid = database
    where datname = current_database()`.execute(db)
  return rows
}
