import type { Kysely } from 'kysely'
import type { Test } from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { createClock, encryptionKeys, type Clock } from './host.js'
import { connect, startPostgres, type PostgresServer } from './postgres.js'
import { startServer } from './process.js'

export interface Pair {
  readonly db: Kysely<TwoFactorDatabase>
  /** Where the two are. */
  readonly origins: readonly string[]
  readonly clock: Clock
  /** Moves the clocks of both on. */
  readonly advance: (seconds: number) => Promise<void>
}

export interface PairOptions {
  /** What else their environment has. */
  environment?: Record<string, string>
  clock?: Clock
  /** Whose database they have. */
  postgres?: PostgresServer
}

/** Two servers, each a process of its own, on one database and one clock, until `t` ends. */
export async function startPair (
  t: Pick<Test, 'teardown'>, { environment = {}, clock = createClock(), postgres }: PairOptions = {}
): Promise<Pair> {
  const url = await (postgres ?? await startPostgres(t)).createDatabase()
  const db = connect(t, url, 2)
  await migrate(db)
  const servers = await Promise.all([1, 2].map(() => startServer(t, {
    DATABASE_URL: url, ENCRYPTION_KEY: encryptionKeys[0] ?? '', NOW: String(clock()), ...environment
  })))
  return {
    db,
    origins: servers.map(({ origin }) => origin),
    clock,
    async advance (seconds) {
      clock.advance(seconds)
      await Promise.all(servers.map(server => server.setClock(clock())))
    }
  }
}
