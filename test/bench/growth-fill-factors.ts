import { sql } from 'kysely'
import { migrate } from '../../plugin/storage/migrate.js'
import type { PostgresServer } from '../helpers/postgres.js'
import { openDatabase } from './database.js'
import { runRound, roundsApart, startContestant, usersOfARound } from './growth-load.js'
import { countUpdates, measureParts, resetUpdates, type Part, type Updates } from './growth-sizes.js'
import { enrolCrowd } from './growth-users.js'
import { openScope, type Scope } from './scope.js'

export interface FillFactorResult {
  /** In percent of a page, of the tables that a sign-in updates. */
  readonly fillFactor: number
  readonly updates: readonly Updates[]
  readonly parts: readonly Part[]
}

const updated = ['two_factor_users', 'two_factor_authenticators']
const [size, rounds] = [usersOfARound, 5]

/** How many updates are HOT by the share of a page that is filled: every user signs in again and again. */
export async function measureFillFactors (
  scope: Pick<Scope, 'teardown'>, postgres: PostgresServer, { key, start }: { key: string, start: number }
): Promise<FillFactorResult[]> {
  const results: FillFactorResult[] = []
  for (const fillFactor of [100, 90, 80, 70]) {
    const url = await postgres.createDatabase()
    const db = openDatabase(scope, url)
    await migrate(db)
    for (const table of updated) {
      await sql`alter table ${sql.table(table)} set (fillfactor = ${sql.lit(fillFactor)})`.execute(db)
    }
    const users = [...await enrolCrowd(db, { size, known: size, key, enrolledAt: start })]
    await sql`vacuum analyze`.execute(db)
    const parts = await measureParts(db, size)
    await resetUpdates(db)
    const servers = openScope()
    scope.teardown(servers.close)
    const server = await startContestant(servers, { url, key, now: start })
    for (let round = 0; round < rounds; round++) {
      const now = start + (round + 1) * roundsApart
      await runRound({ ...server, size, users }, round, now, 'wrong')
      await runRound({ ...server, size, users }, round, now, 'right')
    }
    // A connection that ends tells the server what it has done.
    await servers.close()
    results.push({ fillFactor, parts, updates: await countUpdates(db) })
    console.log(`Fill factor ${fillFactor}: done`)
  }
  return results
}
