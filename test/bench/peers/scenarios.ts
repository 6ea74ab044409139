import type { Contestant, Peer } from './contestant.js'
import { runAll, runAtRate, sendAll, withTasks } from './load.js'
import { warmUp } from '../rounds.js'
import { inTurn, inTurnWarm, measure, medians, quantile, type Measured } from './measure.js'

/** What a contestant came to in one scenario. */
export interface Row extends Measured {
  readonly name: string
}

/** From when each operation was due, in milliseconds. */
export interface Latency {
  readonly p50: number
  readonly p99: number
}

/** Peers at work, and at leisure: at a rate that each of them can carry. */
export interface Comparison {
  readonly rows: ReadonlyArray<Row & Latency>
  /** Operations begun each second, for the latencies. */
  readonly rate: number
  /** How many operations the latencies of each are of. */
  readonly sample: number
}

const guardedClients = 20
const guardedRequests = 3000
const setupsAtATime = 10
// Few, as ours hashes ten recovery codes at each: half a second of work.
const setupCount = 20

/** Everybody signs in, types a wrong code, and then the right one, which clears the count of the wrong ones. */
export async function compareVerifies (
  peers: readonly Contestant[], rounds: number
): Promise<{ readonly right: Comparison, readonly wrong: Comparison }> {
  const measured = await inTurnWarm(peers, { rounds, warmUp }, async peer => {
    const candidates = await peer.signIn()
    const send = (right: boolean) => measure(peer, candidates.length, () =>
      sendAll(candidates.map(({ verify }) => verify(right)), right ? 200 : 401))
    return { wrong: await send(false), right: await send(true) }
  })
  const rowsOf = (kind: 'wrong' | 'right') => rows(peers, measured.map(rounds => rounds.map(round => round[kind])))
  const [wrong, right] = [rowsOf('wrong'), rowsOf('right')]

  const latencies = await inTurn(peers, rounds, async peer => {
    const candidates = await peer.signIn()
    const send = (right: boolean, rate: number) => withTasks(
      candidates.map(({ verify }) => verify(right)), right ? 200 : 401, tasks => runAtRate(tasks, rate))
    return { wrong: await send(false, rateFor(wrong)), right: await send(true, rateFor(right)) }
  })
  const latenciesOf = (kind: 'wrong' | 'right') => latencies.map(rounds => rounds.map(round => round[kind]))
  return { right: comparison(right, latenciesOf('right')), wrong: comparison(wrong, latenciesOf('wrong')) }
}

/** Requests of clients that have passed, to a route of the host. */
export async function compareGuards (peers: readonly Peer[], rounds: number): Promise<Comparison> {
  const requestsOf = async (peer: Peer, count: number) => {
    const passed = await peer.pass(guardedClients)
    return Array.from({ length: count }, (_, index) => passed[index % passed.length]!)
  }
  const measured = rows(peers, await inTurnWarm(peers, { rounds, warmUp: 1 }, async peer => {
    const requests = await requestsOf(peer, guardedRequests)
    return measure(peer, requests.length, () => sendAll(requests, 200))
  }))
  const latencies = await inTurn(peers, rounds, async peer =>
    withTasks(await requestsOf(peer, guardedRequests / 2), 200, tasks => runAtRate(tasks, rateFor(measured))))
  return comparison(measured, latencies)
}

/** Setups, from the click to the recovery codes: two requests each. */
export async function compareSetups (peers: readonly Peer[], rounds: number): Promise<Comparison> {
  const measured = rows(peers, await inTurnWarm(peers, { rounds, warmUp: 1 }, async peer => {
    const tasks = await peer.prepareSetups(setupCount)
    return measure(peer, tasks.length, () => runAll(tasks, setupsAtATime))
  }))
  const latencies = await inTurn(peers, rounds, async peer =>
    runAtRate(await peer.prepareSetups(setupCount / 2), rateFor(measured)))
  return comparison(measured, latencies)
}

/** Right codes alone, of whoever takes them. */
export async function compareRates (contestants: readonly Contestant[], rounds: number): Promise<Row[]> {
  return rows(contestants, await inTurnWarm(contestants, { rounds, warmUp }, async contestant => {
    const requests = (await contestant.signIn()).map(({ verify }) => verify(true))
    return measure(contestant, requests.length, () => sendAll(requests, 200))
  }))
}

function rows (contestants: readonly Contestant[], rounds: ReadonlyArray<readonly Measured[]>): Row[] {
  return contestants.map(({ name }, index) => ({ name, ...medians(rounds[index] ?? []) }))
}

/** Half of what the slowest of them can do. */
function rateFor (measured: readonly Row[]): number {
  const half = Math.min(...measured.map(({ perSecond }) => perSecond)) / 2
  return half < 10 ? Number(half.toPrecision(1)) : Math.floor(half / 10) * 10
}

function comparison (measured: readonly Row[], latencies: ReadonlyArray<ReadonlyArray<readonly number[]>>): Comparison {
  const samples = latencies.map(rounds => rounds.flat())
  return {
    rows: measured.map((row, index) => {
      const sample = samples[index] ?? []
      return { ...row, p50: quantile(sample, 0.5), p99: quantile(sample, 0.99) }
    }),
    rate: rateFor(measured),
    sample: samples[0]?.length ?? 0
  }
}
