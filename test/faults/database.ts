import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import pg from 'pg'
import type { Test } from 'tap'
import { startOwnPostgres } from '../helpers/postgres.js'

/** A PostgreSQL that suffers what operators and hardware do to one. */
export interface SufferingDatabase {
  readonly url: string
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** Kills one of its processes, so that it throws all others out and recovers. */
  readonly crash: () => Promise<void>
  /** Stops all its processes where they are (SIGSTOP). */
  readonly pause: () => Promise<void>
  readonly resume: () => Promise<void>
  readonly setReadOnly: (readOnly: boolean) => Promise<void>
  /** Takes all connections that it has, and throws out who had one. */
  readonly fill: () => Promise<void>
  readonly free: () => Promise<void>
  /** Waits until it answers and no statement is under way. */
  readonly settle: () => Promise<void>
}

/** Starts one for as long as `t` runs. The application name of who must not be thrown out is `harness`. */
export async function startSuffering (t: Pick<Test, 'teardown'>): Promise<SufferingDatabase> {
  const postgres = await startOwnPostgres(t, ['max_connections=30'])
  const url = await postgres.createDatabase()
  const admin = new pg.Pool({ connectionString: url, max: 1, application_name: 'harness', connectionTimeoutMillis: 2000 })
  admin.on('error', () => {})
  admin.on('connect', client => client.on('error', () => {}))
  t.teardown(() => admin.end())
  const { rows: [directory] } = await admin.query<{ data_directory: string }>('show data_directory')
  const others = "from pg_stat_activity where datname = current_database() and application_name <> 'harness'"
  let stopped: number[] = []
  let taken: pg.Client[] = []

  return {
    url,
    stop: () => postgres.stop(),
    start: () => postgres.start(),
    async crash () {
      const { rows: [victim] } = await admin.query<{ pid: number }>(`select pid ${others} limit 1`)
      if (victim) process.kill(victim.pid, 'SIGKILL')
    },
    async pause () {
      stopped = processesOf(directory?.data_directory ?? '')
      signal(stopped, 'SIGSTOP')
    },
    async resume () {
      signal(stopped, 'SIGCONT')
    },
    async setReadOnly (readOnly) {
      await admin.query(`alter system set default_transaction_read_only = ${readOnly ? 'on' : 'off'}`)
      await admin.query('select pg_reload_conf()')
    },
    async fill () {
      // Taken beforehand: there is none left for it afterwards.
      const own = await admin.connect()
      try {
        taken = await takeAll(url)
        await own.query(`select pg_terminate_backend(pid) ${others} and application_name <> 'filler'`)
        taken.push(...await takeAll(url))
      } finally {
        own.release()
      }
    },
    async free () {
      await Promise.all(taken.map(client => client.end().catch(() => {})))
      taken = []
    },
    settle: () => until(async () => {
      const { rows } = await admin.query(`select 1 ${others} and state <> 'idle'`)
      return rows.length === 0
    })
  }
}

/** Waits until something is so, which may fail meanwhile; for ten seconds. */
export async function until (isSo: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 10_000
  while (!await isSo().catch(() => false)) {
    if (Date.now() > end) throw new Error('It did not come back within 10 s')
    await setTimeout(10)
  }
}

/** The server of PostgreSQL itself and all that it has started. */
function processesOf (directory: string): number[] {
  const [server = ''] = readFileSync(join(directory, 'postmaster.pid'), 'utf8').split('\n', 1)
  const children = readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').split(' ').filter(pid => pid !== '')
  // The server first, so that it starts no others meanwhile.
  return [server, ...children].map(Number)
}

function signal (processes: readonly number[], name: NodeJS.Signals): void {
  for (const pid of processes) {
    try {
      process.kill(pid, name)
    } catch {
      // It has ended since.
    }
  }
}

async function takeAll (connectionString: string): Promise<pg.Client[]> {
  const taken: pg.Client[] = []
  while (true) {
    const client = new pg.Client({ connectionString, application_name: 'filler' })
    client.on('error', () => {})
    try {
      await client.connect()
    } catch {
      return taken
    }
    taken.push(client)
  }
}
