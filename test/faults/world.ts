import { randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import { sql, type Kysely } from 'kysely'
import type { Test } from 'tap'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { codeAt, createClock, type Clock } from '../helpers/host.js'
import { connect } from '../helpers/postgres.js'
import { HttpClient, type Answer } from '../helpers/process.js'
import { isThere } from '../helpers/redis.js'
import { startSufferingChecker, type SufferingChecker } from './checker.js'
import { startSuffering, until, type SufferingDatabase } from './database.js'
import { createRandom, type Random } from './random.js'
import { startSufferingRedis, type SufferingRedis } from './redis.js'
import { startServers, type Server, type Servers } from './servers.js'

/** A user, and what they know. */
export interface Person {
  readonly id: string
  secret: string
  /** Recovery codes that are good, as far as they were told. */
  recoveryCodes: string[]
  /** Signed in by a clock that was an hour ahead: there is no code of the app until then. */
  isAhead?: boolean
  /** Whose codes the remote checker looks at. */
  isRemote?: boolean
}

/**
 * The two ways to the plugin: without `skipOnError`, where setups are local, and with it, where setups are those of the
 * remote checker. Whoever is enrolled can use both.
 */
export const doors = ['/strict', '/lenient'] as const
export type Door = typeof doors[number]

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
  /** `undefined`: there is none on this machine. */
  readonly redis: SufferingRedis | undefined
  readonly checker: SufferingChecker
  readonly servers: Servers
  /** Of what is not this package. */
  readonly versions: string
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
  readonly recoveryHashes: Map<string, readonly string[]>
  /** Wrong codes in a row before this round, by user. */
  readonly attempts: Map<string, number>
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
  /** The service beside the database that does not do its work, while the database does. */
  ailing: 'Redis' | 'the checker' | undefined
  readonly check: (isSo: boolean, promise: string, detail?: string) => void
  readonly count: (what: string, amount?: number) => void
  readonly took: (what: string, since: number) => void
}

/** Starts the database, the other services and two servers, until `t` ends. */
export async function startWorld (t: Pick<Test, 'teardown'>): Promise<World> {
  const clock = createClock()
  const [database, redis, checker] = await Promise.all([
    startSuffering(t), isThere ? startSufferingRedis(t) : undefined, startSufferingChecker(t, clock)
  ])
  const db = connect(t, `${database.url}?application_name=harness`, 1)
  await migrate(db)
  const keys = [1, 2].map(() => randomBytes(32).toString('base64'))
  const servers = await startServers(t, {
    databaseUrl: database.url,
    environment: {
      ENCRYPTION_KEYS: keys.join(','),
      STORAGE_TIMEOUT: String(storageTimeout),
      CHECKER_URL: checker.url,
      ...(redis && { REDIS_PORT: String(redis.proxy.port) })
    },
    count: 2,
    clock
  })
  const { rows: [postgres] } = await sql<{ version: string }>`select split_part(current_setting('server_version'), ' ', 1) as version`.execute(db)
  const [tally, longest, findings] = [new Map<string, number>(), new Map<string, number>(), [] as string[]]
  const count = (what: string, amount = 1) => { tally.set(what, (tally.get(what) ?? 0) + amount) }
  const world: World = {
    db,
    database,
    redis,
    checker,
    servers,
    versions: `PostgreSQL ${postgres?.version}, ${redis ? `Redis ${await redis.version()}` : 'no Redis'}`,
    clock,
    random: createRandom(0),
    keys,
    people: new Map(),
    secrets: new Set(),
    recoveryCodes: new Set(),
    recoveryHashes: new Map(),
    attempts: new Map(),
    codes: new Set(),
    findings,
    tally,
    longest,
    scene: '',
    ailing: undefined,
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
  const { ailing } = world
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
  world.count(`answered: ${outcome.status}${ailing ? ` while ${ailing} failed` : ''}`)
  if (ailing === 'Redis' && path.startsWith('/lenient')) {
    world.check(outcome.status !== 503, 'with skipOnError a Redis that fails stops nobody', path)
  }
  if (ailing === 'the checker' && path === '/strict/setup') {
    world.check(outcome.status !== 503, 'who is checked in the process does not depend on the remote checker', path)
  }
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
  await Promise.all([world.servers, world.checker].map(({ setClock }) => setClock(world.clock())))
}

/** Waits until everything serves again, with no help but that a supervisor starts what was killed. */
export async function waitUntilBack (world: World): Promise<void> {
  await world.servers.replaceDead()
  const begin = performance.now()
  await world.database.settle()
  for (const server of world.servers.running()) {
    const client = new HttpClient(server.origin)
    await client.post('/login/nobody')
    for (const door of doors) await until(() => isWell(world, client, door))
  }
  world.took('until it is back', begin)
  world.check(performance.now() - begin < 10_000, 'the service is back by itself')
}

/** Whether the database answers, requests are counted again, and the checker is asked for pairings and codes. */
async function isWell (world: World, client: HttpClient, door: Door): Promise<boolean> {
  const [status, setup] = [await client.get(door), await client.post(`${door}/setup`)]
  if (status.status !== 200 || setup.status !== 200) return false
  const isCounted = Number(setup.headers['x-ratelimit-remaining']) < Number(setup.headers['x-ratelimit-limit'])
  const steps = Array.from({ length: 25 }, (_, index) => codeAt(String(setup.body.secret), world.clock, index - 12))
  const code = ['000000', '111111', ...Array.from({ length: 25 }, (_, index) => String(222_222 + index))]
    .find(code => !steps.includes(code))
  const { status: verdict } = await client.post(`${door}/setup/confirm`, { code })
  return verdict === 401 && (isCounted || !world.redis)
}
