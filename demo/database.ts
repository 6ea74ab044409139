import { PGlite } from '@electric-sql/pglite'
import { migrate as migrateTwoFactor, type TwoFactorDatabase } from 'fastify-authenticator-2fa'
import * as kysely from 'kysely'
import { Kysely, PostgresDialect, sql, type Dialect } from 'kysely'
import { PGliteDialect } from 'kysely-pglite-dialect'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { ConfigError } from './config-error.js'
import type { DemoConfig } from './config.js'
import { lockFolder } from './folder-lock.js'
import { noteStatement } from './panel/recording.js'

export interface DemoDatabase extends TwoFactorDatabase {
  demo_accounts: { id: string, email: string, password_hash: string, role: 'user' | 'admin', created_at: Date }
  demo_sessions: { id_hash: Uint8Array, data: string, expires_at: Date }
  demo_tokens: { token_hash: Uint8Array, account_id: string, expires_at: Date }
}

/**
 * Opens the database that the configuration names, with all tables in place.
 *
 * @throws {ConfigError} if it cannot be opened.
 */
export async function openDatabase (
  { databaseUrl, folder }: Pick<DemoConfig, 'databaseUrl' | 'folder'>
): Promise<Kysely<DemoDatabase>> {
  const dialect = databaseUrl === undefined
    ? new PGliteDialect(embedded(folder))
    : new PostgresDialect({ pool: pool(databaseUrl) })
  const db = connect(dialect)
  try {
    await migrate(db)
    return db
  } catch (cause) {
    await db.destroy().catch(() => {})
    const { message, code = '' } = cause as Error & { code?: string }
    // With several addresses tried, the message is empty.
    const reason = message || code
    throw new ConfigError(databaseUrl === undefined
      ? `The embedded database in ${folder} cannot be opened: ${reason}. Delete that folder to start anew`
      : `The database of DATABASE_URL cannot be opened: ${reason}`, { cause })
  }
}

/** What the demo asks of a database, with its statements noted for the panel. */
export function connect (dialect: Dialect): Kysely<DemoDatabase> {
  return new Kysely({ dialect, log: noteStatement })
}

function embedded (folder: string): PGlite {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  lockFolder(folder)
  return new PGlite(join(folder, 'database'))
}

function pool (connectionString: string): pg.Pool {
  const pool = new pg.Pool({ connectionString, connectionTimeoutMillis: 2000 })
  // Without listeners, a restart of PostgreSQL would end this process: of the pool for idle connections, of each
  // connection for when it is cut in a transaction.
  const report = (error: Error) => console.error(`The database closed a connection: ${error.message}`)
  pool.on('error', report)
  pool.on('connect', client => client.on('error', report))
  return pool
}

/** The tables of the demo and of the package. */
export async function migrate (db: Kysely<DemoDatabase>): Promise<void> {
  const Migrator = await loadMigrator()
  const { error } = await new Migrator({
    db,
    provider: { getMigrations: async () => ({ '0001_initial': initial, '0002_account_age': accountAge }) },
    migrationTableName: 'demo_migrations',
    migrationLockTableName: 'demo_migrations_lock'
  }).migrateToLatest()
  if (error !== undefined) throw error
  await migrateTwoFactor(db)
}

type MigratorClass = new (props: {
  db: Kysely<DemoDatabase>
  provider: { getMigrations: () => Promise<Record<string, typeof initial | typeof accountAge>> }
  migrationTableName: string
  migrationLockTableName: string
}) => { migrateToLatest: () => Promise<{ error?: unknown }> }

/** Kysely 0.29 moved it. This demo runs with that and with 0.28: a host of your own has one of them. */
async function loadMigrator (): Promise<MigratorClass> {
  // @ts-ignore
  const { Migrator } = ('Migrator' in kysely ? kysely : await import('kysely/migration')) as { Migrator: MigratorClass }
  return Migrator
}

const initial = {
  async up (db: Kysely<unknown>) {
    await db.schema.createTable('demo_accounts')
      .addColumn('id', 'text', column => column.primaryKey())
      .addColumn('email', 'text', column => column.notNull().unique())
      .addColumn('password_hash', 'text', column => column.notNull())
      .addColumn('role', 'text', column => column.notNull().check(sql`role in ('user', 'admin')`))
      .execute()
    await db.schema.createTable('demo_sessions')
      .addColumn('id_hash', 'bytea', column => column.primaryKey())
      .addColumn('data', 'text', column => column.notNull())
      .addColumn('expires_at', 'timestamptz', column => column.notNull())
      .execute()
    await db.schema.createIndex('demo_sessions_expires_at').on('demo_sessions').column('expires_at').execute()
    await db.schema.createTable('demo_tokens')
      .addColumn('token_hash', 'bytea', column => column.primaryKey())
      .addColumn('account_id', 'text', column => column.notNull().references('demo_accounts.id').onDelete('cascade'))
      .addColumn('expires_at', 'timestamptz', column => column.notNull())
      .execute()
  }
}

const accountAge = {
  async up (db: Kysely<DemoDatabase>) {
    await db.schema.alterTable('demo_accounts')
      .addColumn('created_at', 'timestamptz', column => column.notNull().defaultTo(sql`now()`))
      .execute()
    // They hold accounts as they were.
    await db.deleteFrom('demo_sessions').execute()
  }
}
