import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import type { Scope } from './scope.js'

/** Connects for as long as the scope is open, and waits while the server has its hands full with millions of rows. */
export function openDatabase (scope: Pick<Scope, 'teardown'>, connectionString: string): Kysely<TwoFactorDatabase> {
  const pool = new pg.Pool({ connectionString, max: 2, connectionTimeoutMillis: 60_000 })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  const db = new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) })
  scope.teardown(() => db.destroy())
  return db
}
