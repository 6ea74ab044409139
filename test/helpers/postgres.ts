import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { connect as connectTo } from 'node:net'
import { relative } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { Test } from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import type { PostgresServer } from './own-postgres.js'

export { freePort, startOwnPostgres, type OwnPostgresServer, type PostgresServer } from './own-postgres.js'

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url))

// Relative, since such a path may have a hundred characters at most.
const socketPath = relative(process.cwd(), pathOf('../../.tap/postgres.sock'))

/**
 * A PostgreSQL for as long as `t` runs. The test files that run at a time share it, as {@link startOwnPostgres} costs a
 * second of work; each database is its caller's alone.
 */
export async function startPostgres (t: Pick<Test, 'teardown'>): Promise<PostgresServer> {
  const server = new URL(await lease(t))
  const admin = new pg.Pool({ connectionString: server.href, max: 1 })
  const databases: string[] = []
  t.teardown(async () => {
    for (const name of databases) await admin.query(`drop database ${name} with (force)`)
    await admin.end()
  })
  return {
    async createDatabase () {
      const name = `test_${randomBytes(8).toString('hex')}`
      await admin.query(`create database ${name}`)
      databases.push(name)
      return new URL(name, server).href
    }
  }
}

/** Waits for the shared server, which is started if it does not run, and keeps it there until `t` ends. */
async function lease (t: Pick<Test, 'teardown'>): Promise<string> {
  for (let tries = 0; tries < 300; tries++) {
    const socket = connectTo(socketPath)
    const answer = await new Promise<string>(resolve => {
      socket.once('data', data => resolve(String(data)))
      socket.once('error', () => resolve(''))
      socket.once('close', () => resolve(''))
    })
    if (answer.startsWith('postgres:')) {
      socket.unref()
      t.teardown(() => socket.destroy())
      return answer
    }
    if (answer !== '') throw new Error(answer)
    if (tries % 100 === 0) startShared()
    await setTimeout(100)
  }
  throw new Error('PostgreSQL did not start in 30 seconds')
}

function startShared (): void {
  spawn(process.execPath, ['--import=./test/strip-types/register.js', pathOf('./shared-postgres.ts'), socketPath], {
    // It ends later than the run, whose coverage is read by then.
    env: { ...process.env, _TAPJS_PROCESSINFO_COVERAGE_: '0' },
    detached: true,
    stdio: 'ignore'
  }).unref()
}

/** Connects to a database for as long as `t` runs, as the README tells a host to. */
export function connect (t: Pick<Test, 'teardown'>, connectionString: string, max = 10): Kysely<TwoFactorDatabase> {
  const pool = new pg.Pool({ connectionString, max, connectionTimeoutMillis: 1_000 })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  pool.on('connect', client => client.on('error', () => {}))
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
