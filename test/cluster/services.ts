import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Test } from 'tap'
import { freePort } from '../helpers/postgres.js'

const isThere = (program: string) => spawnSync(program, ['--version']).error === undefined
const missing = ['redis-server', 'pgbouncer'].filter(program => !isThere(program))

/** Why the tests of a cluster cannot run here: on a machine of CI they must. */
export const skip = missing.length > 0 && process.env.CI !== 'true' && `There is no ${missing.join(' and no ')} here: install Debian's packages`

/** What docs/operating.md says of it. */
export const pooling = `pool_mode = transaction
max_client_conn = 1000
default_pool_size = 20
query_wait_timeout = 5`

/**
 * A PgBouncer in transaction mode for as long as `t` runs.
 *
 * @returns The connection string of the database by it.
 */
export async function startPgBouncer (t: Pick<Test, 'teardown'>, databaseUrl: string): Promise<string> {
  const url = new URL(databaseUrl)
  const { hostname, port, pathname, username, password } = url
  const folder = await mkdtemp(join(tmpdir(), 'two-factor-pgbouncer-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  url.port = String(await freePort())
  const name = pathname.slice(1)
  const config = join(folder, 'pgbouncer.ini')
  await writeFile(config, `[databases]
${name} = host=${hostname} port=${port} dbname=${name} user=${username} password=${password}

[pgbouncer]
${pooling}
listen_addr = 127.0.0.1
listen_port = ${url.port}
unix_socket_dir =
; Whoever is on loopback may come in: this is a test.
auth_type = any
`)
  await chmod(folder, 0o755)
  // It refuses to be root.
  const child = spawn('pgbouncer', [...process.getuid?.() === 0 ? ['-u', 'nobody'] : [], config])
  await ready(t, child, child.stderr, 'process up')
  return url.href
}

/** Waits for a line, and ends the process with `t`. */
async function ready (t: Pick<Test, 'teardown'>, child: ChildProcess, stream: Readable, line: string): Promise<void> {
  t.teardown(() => {
    child.kill('SIGKILL')
    return child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
  })
  let text = ''
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`It ended with ${code}: ${text}`)))
    stream.setEncoding('utf8').on('data', (data: string) => {
      text += data
      if (text.includes(line)) resolve()
    })
  })
}
