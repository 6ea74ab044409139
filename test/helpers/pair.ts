import type { Kysely } from 'kysely'
import type { Test } from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { createClock, encryptionKeys, type Clock } from './host.js'
import { connect, startPostgres, type PostgresServer } from './postgres.js'
import { startServer } from './process.js'

export interface Pair {
  readonly postgres: PostgresServer
  readonly db: Kysely<TwoFactorDatabase>
  /** Where the two are. */
  readonly origins: readonly string[]
  readonly clock: Clock
  /** Moves the clocks of both on. */
  readonly advance: (seconds: number) => Promise<void>
}

/**
 * Two servers, each a process of its own, on one PostgreSQL and one clock, until `t` ends.
 *
 * @param environment - What else their environment has.
 */
export async function startPair (
  t: Pick<Test, 'teardown'>, environment: Record<string, string> = {}, clock = createClock()
): Promise<Pair> {
  const postgres = await startPostgres(t)
  const url = await postgres.createDatabase()
  const db = connect(t, url, 2)
  await migrate(db)
  const servers = await Promise.all([1, 2].map(() => startServer(t, {
    DATABASE_URL: url, ENCRYPTION_KEY: encryptionKeys[0] ?? '', NOW: String(clock()), ...environment
  })))
  return {
    postgres,
    db,
    origins: servers.map(({ origin }) => origin),
    clock,
    async advance (seconds) {
      clock.advance(seconds)
      await Promise.all(servers.map(server => server.setClock(clock())))
    }
  }
}
