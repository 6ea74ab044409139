import { median } from '../rounds.js'
import type { Contestant } from './contestant.js'

/** What one operation came to in one round. CPU times in microseconds. */
export interface Measured {
  readonly perSecond: number
  readonly serverCpu: number
  readonly postgresCpu: number
  readonly generatorCpu: number
  readonly statements: number
}

/** How many rounds of each contestant count, and how many come before them. */
export interface Rounds {
  readonly rounds: number
  readonly warmUp: number
}

/** Runs a round of so many operations, and says what each of them cost. */
export async function measure (
  { hosts, database }: Contestant, operations: number, run: () => Promise<number>
): Promise<Measured> {
  const used = async () => {
    const { user, system } = process.cpuUsage()
    const server = await Promise.all(hosts.map(host => host.cpuTime()))
    const postgres = await database.cpuTime()
    return { server: server.reduce((sum, time) => sum + time), postgres, generator: user + system }
  }
  await database.statements()
  const before = await used()
  const elapsed = await run()
  const after = await used()
  return {
    perSecond: operations / elapsed * 1000,
    serverCpu: (after.server - before.server) / operations,
    postgresCpu: (after.postgres - before.postgres) / operations,
    generatorCpu: (after.generator - before.generator) / operations,
    statements: await database.statements() / operations
  }
}

/** Median of each figure. */
export function medians (rounds: readonly Measured[]): Measured {
  const of = (name: keyof Measured) => median(rounds.map(round => round[name]).filter(value => !Number.isNaN(value)))
  return {
    perSecond: of('perSecond'),
    serverCpu: of('serverCpu'),
    postgresCpu: rounds.some(({ postgresCpu }) => Number.isNaN(postgresCpu)) ? NaN : of('postgresCpu'),
    generatorCpu: of('generatorCpu'),
    statements: of('statements')
  }
}

/** Runs `round` for each contestant in turn, so many times. @returns What each came to, as they were given. */
export async function inTurn<C, Result> (
  contestants: readonly C[], rounds: number, round: (contestant: C) => Promise<Result>
): Promise<Result[][]> {
  const results = contestants.map(() => [] as Result[])
  const order = [...contestants.entries()]
  for (let number = 0; number < rounds; number++) {
    // Each goes first in turn, so that whatever the one before leaves behind hits all alike.
    for (const [index, contestant] of number % 2 === 0 ? order : order.toReversed()) {
      results[index]?.push(await round(contestant))
    }
  }
  return results
}

/** The same, after `warmUp` rounds that are thrown away. */
export async function inTurnWarm<C, Result> (
  contestants: readonly C[], { rounds, warmUp }: Rounds, round: (contestant: C) => Promise<Result>
): Promise<Result[][]> {
  await inTurn(contestants, warmUp, round)
  return inTurn(contestants, rounds, round)
}

/** The value below which so much of them lies: 0.5 is the median. */
export function quantile (values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN
}
