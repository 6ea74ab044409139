import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { Test } from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { codeAt, createClock, type Clock } from '../helpers/host.js'
import { connect } from '../helpers/postgres.js'
import { HttpClient, type Answer } from '../helpers/process.js'
import { startSuffering, until, type SufferingDatabase } from './database.js'
import { createRandom, type Random } from './random.js'
import { startServers, type Server, type Servers } from './servers.js'

/** A user, and what they know. */
export interface Person {
  readonly id: string
  secret: string
  /** Recovery codes that are good, as far as they were told. */
  recoveryCodes: string[]
  /** Signed in by a clock that was an hour ahead: there is no code of the app until then. */
  isAhead?: boolean
}

/** A recovery code as it is stored. */
export interface RecoveryRow {
  readonly userId: string
  readonly hash: string
  readonly used: boolean
}

/** What happened to a request: its answer, or none since its server was killed. */
export type Outcome = Answer | 'cut'

/** How long a statement of the storage may take, in milliseconds. */
export const storageTimeout = 1000

/** How long any request may take, in milliseconds: a few statements and hashes, on a machine that is busy. */
export const requestBound = 5000

/** All that a run has, and what it has found out so far. */
export interface World {
  readonly db: Kysely<TwoFactorDatabase>
  readonly database: SufferingDatabase
  readonly servers: Servers
  readonly clock: Clock
  /** Chooses. Each part of a run has a seed of its own. */
  random: Random
  readonly keys: readonly string[]
  /** Who has two-factor authentication, by id. */
  readonly people: Map<string, Person>
  /** All that was ever secret, to search for. */
  readonly secrets: Set<string>
  readonly recoveryCodes: Set<string>
  /** Recovery codes as they were stored before this round, by user. */
  readonly recoveryRows: Map<string, RecoveryRow[]>
  /** Codes of this round. */
  readonly codes: Set<string>
  /** What is not as it should be. */
  readonly findings: string[]
  /** How often what was injected, answered and checked. */
  readonly tally: Map<string, number>
  /** The longest times, in milliseconds. */
  readonly longest: Map<string, number>
  /** What is going on, for a finding. */
  scene: string
  readonly check: (isSo: boolean, promise: string, detail?: string) => void
  readonly count: (what: string, amount?: number) => void
  readonly took: (what: string, since: number) => void
}

/** Starts the database and two servers, until `t` ends. */
export async function startWorld (t: Pick<Test, 'teardown'>): Promise<World> {
  const database = await startSuffering(t)
  const db = connect(t, `${database.url}?application_name=harness`, 1)
  await migrate(db)
  const clock = createClock()
  const keys = [1, 2].map(() => randomBytes(32).toString('base64'))
  const servers = await startServers(t, {
    databaseUrl: database.url,
    environment: { ENCRYPTION_KEYS: keys.join(','), STORAGE_TIMEOUT: String(storageTimeout) },
    count: 2,
    clock
  })
  const [tally, longest, findings] = [new Map<string, number>(), new Map<string, number>(), [] as string[]]
  const count = (what: string, amount = 1) => { tally.set(what, (tally.get(what) ?? 0) + amount) }
  const world: World = {
    db,
    database,
    servers,
    clock,
    random: createRandom(0),
    keys,
    people: new Map(),
    secrets: new Set(),
    recoveryCodes: new Set(),
    recoveryRows: new Map(),
    codes: new Set(),
    findings,
    tally,
    longest,
    scene: '',
    count,
    check (isSo, promise, detail = '') {
      count(`checked: ${promise}`)
      if (!isSo) findings.push(`${world.scene}: ${promise}${detail && ` (${detail})`}`)
    },
    took (what, since) {
      longest.set(what, Math.max(longest.get(what) ?? 0, Math.round(performance.now() - since)))
    }
  }
  return world
}

/**
 * Sends a request that has to be answered in time, by one of these statuses or by 503, unless its server is killed.
 *
 * @param belongs - The statuses.
 */
export async function ask (
  world: World, server: Server, client: HttpClient, [method, path, body]: ['get' | 'post', string, object?],
  belongs: readonly number[]
): Promise<Outcome> {
  const begin = performance.now()
  const timer = new AbortController()
  const outcome = await Promise.race([
    (method === 'get' ? client.get(path) : client.post(path, body)).catch((error: Error) => error),
    setTimeout(requestBound, undefined, { signal: timer.signal })
  ])
  timer.abort()
  world.took('an answer', begin)
  world.check(outcome !== undefined, `every request is answered within ${requestBound} ms`, path)
  if (outcome === undefined) return 'cut'
  if (outcome instanceof Error) {
    world.count('answered: not at all, its server was killed')
    world.check(server.isDead(), 'no connection is cut by a server that lives', `${path}: ${outcome.message}`)
    return 'cut'
  }
  world.count(`answered: ${outcome.status}`)
  world.check([...belongs, 503].includes(outcome.status), 'answers are success, a refusal that belongs, or 503',
    `${path}: ${outcome.status} ${JSON.stringify(outcome.body)}`)
  return outcome
}

export const statusOf = (outcome: Outcome) => outcome === 'cut' ? 0 : outcome.status

/** A client of a user, past the password: that asks nothing of the database. */
export async function signIn (world: World, server: Server, { id }: Pick<Person, 'id'>): Promise<HttpClient> {
  const client = new HttpClient(server.origin)
  await ask(world, server, client, ['post', `/login/${id}`], [200])
  return client
}

/** The code that the user's app shows. */
export function codeOf (world: World, { secret }: Pick<Person, 'secret'>, seconds = 0): string {
  const code = codeAt(secret, () => world.clock() + seconds * 1000)
  world.codes.add(code)
  return code
}

/** Takes note of what no table and no log may hold. */
export function keepSecret (world: World, { secret, recoveryCodes }: Pick<Person, 'secret' | 'recoveryCodes'>): void {
  world.secrets.add(secret)
  for (const code of recoveryCodes) world.recoveryCodes.add(code)
}

/** Sets the clocks of all servers on. */
export async function advance (world: World, seconds: number): Promise<void> {
  world.clock.advance(seconds)
  await world.servers.setClock(world.clock())
}

/** Waits until everything serves again, with no help but that a supervisor starts what was killed. */
export async function waitUntilBack (world: World): Promise<void> {
  await world.servers.replaceDead()
  const begin = performance.now()
  await world.database.settle()
  for (const server of world.servers.running()) {
    const client = new HttpClient(server.origin)
    await client.post('/login/nobody')
    await until(async () => (await client.get('/2fa')).status === 200)
  }
  world.took('until it is back', begin)
  world.check(performance.now() - begin < 10_000, 'the service is back by itself')
}
