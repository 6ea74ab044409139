import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { sql, type Kysely } from 'kysely'
import type { Test } from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { createClock, encryptionKeys, type Clock } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { startRedis, type RedisServer } from '../helpers/redis.js'
import { startBalancer } from './balancer.js'
import { startPgBouncer } from './services.js'

/** Where a host has its sessions. */
export const stores = ['database', 'redis'] as const
export type Store = (typeof stores)[number]

export interface Cluster {
  /** Where the load balancer of the hosts is that have their sessions there. */
  readonly origins: Readonly<Record<Store, string>>
  readonly redis: RedisServer
  /** The connection string of the database by PgBouncer. */
  readonly pooled: string
  readonly db: Kysely<TwoFactorDatabase>
  readonly clock: Clock
  readonly advance: (seconds: number) => Promise<void>
  /**
   * Starts as many processes again. What it answers puts one after the other in the place of an old one, as a
   * deployment does; `between` is awaited before each.
   */
  readonly prepareRestart: () => Promise<(between: () => Promise<void>) => Promise<void>>
}

interface Process {
  readonly child: ChildProcess
  /** In the order of {@link stores}. */
  readonly origins: readonly string[]
}

/**
 * Four processes behind a load balancer, on one database through PgBouncer and one Redis, until `t` ends.
 *
 * @param sessionsInRedis - The file that exports `redisSessions`, as docs/operating.md has it.
 */
export async function startCluster (t: Pick<Test, 'teardown'>, sessionsInRedis: string): Promise<Cluster> {
  const [url, redis, ...balancers] = await Promise.all([
    startPostgres(t).then(postgres => postgres.createDatabase()), startRedis(t), startBalancer(t), startBalancer(t)
  ])
  const add = ({ origins }: Process) => balancers.forEach((balancer, index) => balancer.add(origins[index] ?? ''))
  const drain = ({ origins }: Process) =>
    Promise.all(balancers.map((balancer, index) => balancer.drain(origins[index] ?? '')))
  const pooled = await startPgBouncer(t, url)
  const db = connect(t, pooled, 2)
  await migrate(db)
  await sql`create table demo_sessions (id_hash bytea primary key, data text not null, expires_at timestamptz not null)`.execute(db)
  const clock = createClock()

  async function start (): Promise<Process> {
    const child = fork(new URL('./server.ts', import.meta.url), {
      env: {
        ...process.env,
        DATABASE_URL: pooled,
        REDIS_PORT: String(redis.port),
        SESSIONS_IN_REDIS: sessionsInRedis,
        ENCRYPTION_KEY: encryptionKeys[0] ?? '',
        NOW: String(clock())
      }
    })
    t.teardown(() => child.kill('SIGKILL'))
    const [message] = await Promise.race([
      once(child, 'message'), once(child, 'exit').then(([code]) => { throw new Error(`The server ended with ${code}`) })
    ])
    return { child, origins: message as string[] }
  }

  const running = await Promise.all([1, 2, 3, 4].map(start))
  for (const each of running) add(each)
  return {
    origins: { database: balancers[0]?.origin ?? '', redis: balancers[1]?.origin ?? '' },
    redis,
    pooled,
    db,
    clock,
    async advance (seconds) {
      clock.advance(seconds)
      await Promise.all(running.map(({ child }) => {
        child.send(clock())
        return once(child, 'message')
      }))
    },
    async prepareRestart () {
      const next = await Promise.all(running.map(start))
      return async between => {
        for (const [index, old] of [...running].entries()) {
          const { [index]: fresh } = next
          if (!fresh) throw new Error('As many as there were')
          await between()
          running[index] = fresh
          add(fresh)
          await drain(old)
          old.child.kill('SIGTERM')
          const [code] = await once(old.child, 'exit')
          if (code !== 0) throw new Error(`A process ended with ${code}`)
        }
      }
    }
  }
}
