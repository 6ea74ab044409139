import { readFile } from 'node:fs/promises'
import { sql, type Kysely } from 'kysely'
import type { Test } from 'tap'
import { connect } from '../../helpers/postgres.js'
import type { TwoFactorDatabase } from '../../../plugin/index.js'

/** The database of one contestant, and what the server knows of its use. */
export interface MeasuredDatabase {
  readonly url: string
  readonly db: Kysely<TwoFactorDatabase>
  /** Statements since the last call, as the server counts them; `begin` and `commit` too. */
  readonly statements: () => Promise<number>
  /** What the server's processes for this database have used so far, in microseconds. `NaN` if not on Linux. */
  readonly cpuTime: () => Promise<number>
}

/** What PostgreSQL must be started with. */
export const settings = ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.track_utility=on']

export async function openDatabase (t: Pick<Test, 'teardown'>, url: string): Promise<MeasuredDatabase> {
  const db = connect(t, url, 1)
  await sql`create extension if not exists pg_stat_statements`.execute(db)
  return {
    url,
    db,
    async statements () {
      const { rows: [counted] } = await sql<{ calls: string }>`
        select coalesce(sum(calls), 0) as calls from pg_stat_statements
        where dbid = (select oid from pg_database where datname = current_database()) and query not ilike '%pg_stat%'
        `.execute(db)
      await sql`select pg_stat_statements_reset()`.execute(db)
      return Number(counted?.calls)
    },
    async cpuTime () {
      const { rows } = await sql<{ pid: number }>`
        select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`.execute(db)
      const times = await Promise.all(rows.map(({ pid }) => onCpu(pid)))
      return times.reduce((sum, time) => sum + time, 0)
    }
  }
}

/** The first figure there is the time spent on a processor, in nanoseconds. */
async function onCpu (pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '')
  return text === '' ? NaN : Number(text.split(' ', 1)[0]) / 1000
}
