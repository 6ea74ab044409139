import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { createHistogram } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { sql, type Kysely } from 'kysely'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import type { Network } from './soak-client.js'
import { flows, type FlowShare, type SoakUser, type Surroundings } from './soak-flows.js'
import type { Sample } from './soak-host.js'
import { createTurns } from './soak-users.js'

/** What a minute was like. */
export interface Slot extends Sample {
  /** When it ended, in minutes from the begin. */
  readonly minute: number
  readonly requests: number
  /** Of the requests, in milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Bytes with indexes, by table. */
  readonly tables: Readonly<Record<string, number>>
}

export interface SoakResult {
  readonly slots: readonly Slot[]
  /** How often each flow was done. */
  readonly done: Readonly<Record<string, number>>
  /** What was answered that should not have been, and how often. */
  readonly surprises: Readonly<Record<string, number>>
}

export interface Soak extends Omit<Surroundings, 'cookies' | 'tokens'> {
  readonly connect: (onAnswer: (took: number) => void) => { readonly cookies: Network, readonly tokens: Network }
  readonly host: ChildProcess
  readonly db: Kysely<TwoFactorDatabase>
  readonly residents: readonly SoakUser[]
  readonly visitors: readonly SoakUser[]
  /** How many flows begin in a second. */
  readonly rate: number
  readonly minutes: number
  readonly onSlot: (slot: Slot) => void
}

/** A mixed load at a fixed rate: what is slow does not make the next one wait. */
export async function runSoak (soak: Soak): Promise<SoakResult> {
  const { minutes, rate, onSlot } = soak
  const gauge = createGauge(soak)
  const networks = soak.connect(gauge.record)
  const [done, surprises, slots]: [Record<string, number>, Record<string, number>, Slot[]] = [{}, {}, []]
  const takeTurn = createTurns(soak)
  const visit = async (chosen: FlowShare) => {
    const turn = takeTurn(chosen)
    if (!turn) throw new Error('Nobody was free: the visits take too long')
    try {
      await chosen.flow(turn.user, { ...soak, ...networks })
      add(done, chosen.name)
    } finally {
      turn.done()
    }
  }
  const running = new Set<Promise<void>>()
  const begin = performance.now()
  const length = Math.min(60_000, minutes * 6000)
  for (let count = 0; (slots.length + 1) * length <= minutes * 60_000 + 1; count++) {
    const at = begin + count * 1000 / rate
    if (at > performance.now()) await setTimeout(at - performance.now())
    const flow: Promise<void> = visit(flowOf(count))
      .catch((error: Error) => add(surprises, error.message))
      .finally(() => running.delete(flow))
    running.add(flow)
    if (performance.now() < begin + (slots.length + 1) * length) continue
    const slot = await gauge.read((slots.length + 1) * length / 60_000)
    slots.push(slot)
    onSlot(slot)
  }
  await Promise.all(running)
  await Promise.all([networks.cookies.close(), networks.tokens.close()])
  return { slots, done, surprises }
}

/** Takes the times of requests, and reads them with everything else that is measured. */
function createGauge ({ host, db }: Pick<Soak, 'host' | 'db'>) {
  const latencies = createHistogram()
  return {
    record (took: number) { latencies.record(Math.max(1, Math.round(took * 1000))) },
    async read (minute: number): Promise<Slot> {
      const { count: requests } = latencies
      const [p50, p99] = [latencies.percentile(50) / 1000, latencies.percentile(99) / 1000]
      latencies.reset()
      return { minute, requests, p50, p99, ...await sample(host), tables: await tableSizes(db) }
    }
  }
}

function add (counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1
}

/** Each in its share, well mixed, and the same in each run: 37 and 100 have no common divisor. */
function flowOf (count: number): FlowShare {
  let place = count * 37 % 100
  return flows.find(({ share }) => (place -= share) < 0) ?? flows[0]!
}

async function sample (host: ChildProcess): Promise<Sample> {
  const waiting = new AbortController()
  const { signal } = waiting
  host.send('sample')
  try {
    const [answer] = await Promise.race([
      once(host, 'message', { signal }),
      once(host, 'exit', { signal }).then(([code]) => { throw new Error(`The process ended with ${code}`) })
    ])
    return answer as Sample
  } finally {
    waiting.abort()
  }
}

async function tableSizes (db: Kysely<TwoFactorDatabase>): Promise<Record<string, number>> {
  const { rows } = await sql<{ name: string, bytes: string }>`
    select relname as name, pg_total_relation_size(relid) as bytes from pg_stat_user_tables
    where relname like 'two_factor_%' and relname not like '%migrations%' order by relname`.execute(db)
  return Object.fromEntries(rows.map(({ name, bytes }) => [name, Number(bytes)]))
}
