import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Kysely, MysqlDialect, type Dialect } from 'kysely'
import mysql from 'mysql2'
import type { Test } from 'tap'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { freePort } from './postgres.js'

// Debian has the server where only root's path looks.
const env = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }

const there = spawnSync('mariadbd', ['--version'], { env }).status === 0

/** Why tests on MariaDB are left out: on a machine that has no server. In CI there has to be one. */
export const skip = !there && process.env.CI !== 'true' && 'There is no mariadbd here: install Debian\'s mariadb-server'

/** A MariaDB server of this test file's own, on loopback. */
export interface MariadbServer {
  /** As the server tells it. */
  readonly version: string
  /** Makes an empty database and returns its connection string. */
  createDatabase: () => Promise<string>
}

/** Starts MariaDB for as long as `t` runs. */
export async function startMariadb (t: Pick<Test, 'teardown'>): Promise<MariadbServer> {
  const folder = await mkdtemp(join(tmpdir(), 'two-factor-mariadb-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const data = [`--datadir=${folder}/data`, '--user=root']
  const installed = spawnSync('mariadb-install-db', ['--no-defaults', ...data, '--auth-root-authentication-method=normal', '--skip-test-db'], { env })
  if (installed.status !== 0) throw new Error(String(installed.stderr))

  const [port, socket] = [await freePort(), join(folder, 'socket')]
  const child = spawn('mariadbd', ['--no-defaults', ...data, '--bind-address=127.0.0.1', `--port=${port}`, `--socket=${socket}`,
    `--pid-file=${folder}/pid`, '--innodb-buffer-pool-size=64M', '--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync', '--max-connections=200'], { env })
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  for await (const line of child.stderr) if (String(line).includes('ready for connections')) break
  child.stderr.resume()

  const root = mysql.createConnection({ socketPath: socket, user: 'root' }).promise()
  t.teardown(() => root.end())
  await root.query('create user test identified by \'test\'')
  await root.query('grant all on *.* to test')
  const [[row]] = await root.query<mysql.RowDataPacket[]>('select version() as version')
  let databases = 0
  return {
    version: String(row?.version),
    async createDatabase () {
      const name = `test_${++databases}`
      await root.query(`create database ${name}`)
      return `mysql://test:test@127.0.0.1:${port}/${name}`
    }
  }
}

/** As docs/operating.md tells a host to connect. */
export function mariadbDialect (uri: string, options: mysql.PoolOptions = {}): Dialect {
  return new MysqlDialect({ pool: mysql.createPool({ uri, connectionLimit: 10, ...options }) })
}

/** Connects to a database for as long as `t` runs. */
export function connectMariadb (
  t: Pick<Test, 'teardown'>, uri: string, options?: mysql.PoolOptions
): Kysely<TwoFactorDatabase> {
  const db = new Kysely<TwoFactorDatabase>({ dialect: mariadbDialect(uri, options) })
  t.teardown(() => db.destroy())
  return db
}
