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
const env: NodeJS.ProcessEnv = { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }

// MYSQLD is the path of another server than MariaDB: of MySQL, which Debian's stable releases do not have.
const { MYSQLD: program = 'mariadbd' } = env

const { status, stdout } = spawnSync(program, ['--version'], { env, encoding: 'utf8' })

/** Which of the two it is. */
export const name = env.MYSQLD && !String(stdout).includes('MariaDB') ? 'MySQL' : 'MariaDB'

/** Why tests on it are left out: on a machine that has no server. In CI there has to be one, and by MYSQLD too. */
export const skip = status !== 0 && !env.MYSQLD && env.CI !== 'true' && 'There is no mariadbd here: install Debian\'s mariadb-server'

// What makes the files of a server, where root has no password.
const installers = {
  MariaDB: ['mariadb-install-db', '--auth-root-authentication-method=normal', '--skip-test-db'],
  MySQL: [program, '--initialize-insecure']
} as const
const ready = 'ready for connections'

/** A MariaDB or MySQL server of this test file's own, on loopback. */
export interface MysqlServer {
  /** As the server tells it. */
  readonly version: string
  /** Makes an empty database and returns its connection string. */
  createDatabase: () => Promise<string>
}

/** Starts the server for as long as `t` runs. */
export async function startMysql (t: Pick<Test, 'teardown'>): Promise<MysqlServer> {
  const folder = await mkdtemp(join(tmpdir(), 'two-factor-mysql-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const data = [`--datadir=${folder}/data`, '--user=root']
  const [installer, ...options] = installers[name]
  const installed = spawnSync(installer, ['--no-defaults', ...data, ...options], { env })
  if (installed.status !== 0) throw installed.error ?? new Error(String(installed.stderr))

  const [port, socket] = [await freePort(), join(folder, 'socket')]
  const child = spawn(program, ['--no-defaults', ...data, '--bind-address=127.0.0.1', `--port=${port}`, `--socket=${socket}`,
    `--pid-file=${folder}/pid`, `--secure-file-priv=${folder}`,
    '--innodb-buffer-pool-size=64M', '--innodb-flush-log-at-trx-commit=0', '--innodb-flush-method=nosync', '--sync-binlog=0', '--max-connections=200', '--loose-mysqlx=off'], { env })
  t.teardown(async () => {
    child.kill('SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  let log = ''
  for await (const text of child.stderr) if ((log += text).includes(ready)) break
  if (!log.includes(ready)) throw new Error(log)

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
export function mysqlDialect (uri: string, options: mysql.PoolOptions = {}): Dialect {
  return new MysqlDialect({ pool: mysql.createPool({ uri, connectionLimit: 10, ...options }) })
}

/** Connects to a database for as long as `t` runs. */
export function connectMysql (
  t: Pick<Test, 'teardown'>, uri: string, options?: mysql.PoolOptions
): Kysely<TwoFactorDatabase> {
  const db = new Kysely<TwoFactorDatabase>({ dialect: mysqlDialect(uri, options) })
  t.teardown(() => db.destroy())
  return db
}
