import type { Test } from 'tap'
import { crashDatabase, cutConnection, fillConnections, jumpClock, killProcess, makeReadOnly, pauseDatabase, stopDatabase, type Injection } from './injections.js'
import { canSignIn, logsTellNothing, tablesAreWhole, tablesTellNothing } from './invariants.js'
import { busy, importUsers, noteRows, pickServer, recover, renewCodes, rotate, setUp, setUpRemote, verify, verifyRemote, type Operation } from './operations.js'
import { createRandom } from './random.js'
import { failChecker, failRedis } from './service-injections.js'
import { advance, startWorld, waitUntilBack, type World } from './world.js'

/** Faults that are chosen by one seed. */
export interface Part {
  readonly seed: number
  /** How often a process is killed. */
  readonly kills: number
  /** How many other faults there are, each kind in its turn. */
  readonly others: number
}

/** What a run has come to. */
export type Findings = Pick<World, 'findings' | 'tally' | 'longest' | 'versions'>

const otherFaults: ReadonlyArray<[string, Injection]> = [
  ['cut connection', cutConnection], ['stopped database', stopDatabase], ['crashed database', crashDatabase],
  ['paused database', pauseDatabase], ['read-only database', makeReadOnly], ['full database', fillConnections],
  ['jump of the clock', jumpClock], ['faults of Redis', failRedis], ['faults of the checker', failChecker]
]

// A setup is what fills the house.
const kinds: readonly Operation[] = [setUp, verify, verify, verifyRemote, recover, renewCodes, importUsers, rotate]

/**
 * Injects one fault after the other while users go about their business, and looks after each whether every promise
 * still holds.
 *
 * @param onRound - Told after each round.
 */
export async function runRounds (
  t: Pick<Test, 'teardown'>, parts: readonly Part[], onRound: (world: World, round: number, rounds: number) => void = () => {}
): Promise<Findings> {
  const world = await startWorld(t)
  for (const operation of [setUp, setUp, setUpRemote, setUpRemote]) await (await operation(world, pickServer(world)))()

  const rounds = parts.reduce((sum, { kills, others }) => sum + kills + others, 0)
  let round = 0
  for (const { seed, kills, others } of parts) {
    world.random = createRandom(seed)
    const injections = world.random.shuffle([
      ...Array.from({ length: kills }, (): [string, Injection] => ['killed process', killProcess]),
      ...world.random.shuffle(Array.from({ length: others }, (_, index) => otherFaults[index % otherFaults.length]!))
    ])
    for (const [name, inject] of injections) {
      world.scene = `round ${++round}, ${name}, seed ${seed}`
      await playRound(world, inject).catch((error: Error) => {
        world.findings.push(`${world.scene}: ${error.stack}`)
      })
      if (round % 50 === 0 || round === rounds) {
        await tablesAreWhole(world)
        await tablesTellNothing(world)
      }
      onRound(world, round, rounds)
    }
  }
  return world
}

async function playRound (world: World, inject: Injection): Promise<void> {
  const { random, people } = world
  busy.clear()
  await advance(world, 60)
  await noteRows(world)
  const chosen = Array.from({ length: 3 + random.below(2) }, () => random.pick(kinds))
  const before = people.size
  const dying = world.servers.running()
  const settles = await inject(world, chosen)
  for (const server of dying) {
    const words = server.lastWords()
    world.check(words === undefined, 'no server ends by itself', words)
  }
  // The killed ones first, whose logs nobody asks for any more.
  const logs = dying.map(server => server.takeLog())

  await waitUntilBack(world)
  for (const settle of settles) await settle()
  await advance(world, 60)
  await canSignIn(world, [...new Set([...[...people.values()].slice(before), ...busy])].slice(-5))
  if (inject === cutConnection || random.below(4) === 0) await tablesAreWhole(world)
  logsTellNothing(world, [...logs, ...world.servers.running().map(server => server.takeLog())].join('\n'))
}
