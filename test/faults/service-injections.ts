import { setTimeout } from 'node:timers/promises'
import type { HttpClient } from '../helpers/process.js'
import { until } from './database.js'
import { run, type Injection } from './injections.js'
import { importUsers, recover, renewCodes, setUp, setUpRemote, verify, verifyRemote, type Operation, type Settle } from './operations.js'
import type { Proxy } from './proxy.js'
import type { SufferingRedis } from './redis.js'
import type { Server } from './servers.js'
import { ask, doors, signIn, type World } from './world.js'

/** What is done to a service, how it is healed, and for how many milliseconds it may last. */
interface Fault {
  readonly name: string
  readonly inject: () => unknown
  readonly heal: () => unknown
  readonly longest?: number
}

/** All faults of Redis, one after the other in any order. There is none to inject without a Redis. */
export const failRedis: Injection = async world =>
  world.redis ? failAll(world, 'Redis', faultsOfRedis(world, world.redis), [setUp, verify, verify, recover, renewCodes]) : []

function faultsOfRedis (world: World, redis: SufferingRedis): Fault[] {
  return [
    { name: 'Redis stopped and started', inject: redis.stop, heal: redis.start },
    { name: 'Redis restarted', inject: () => redis.stop().then(redis.start), heal: () => {} },
    { name: 'Redis paused', inject: redis.pause, heal: redis.resume, longest: 1500 },
    { name: 'Redis read-only', inject: () => redis.setReadOnly(true), heal: () => redis.setReadOnly(false) },
    { name: 'Redis out of connections', inject: redis.fill, heal: redis.free },
    cuts(world, redis.proxy, 'connection to Redis cut between a command and its answer')
  ]
}

/** All faults of the remote checker, likewise. */
export const failChecker: Injection = world =>
  failAll(world, 'the checker', faultsOfChecker(world), [setUpRemote, verifyRemote, verifyRemote, verifyRemote, verify, importUsers])

function faultsOfChecker (world: World): Fault[] {
  const { checker } = world
  return [
    { name: 'checker stopped and started', inject: checker.stop, heal: checker.start },
    { name: 'checker restarted', inject: () => checker.stop().then(checker.start), heal: () => {} },
    { name: 'checker paused', inject: checker.pause, heal: checker.resume, longest: 1500 },
    { name: 'checker out of connections', inject: checker.fill, heal: checker.free },
    // An answer has some two hundred bytes.
    { name: 'answers of the checker dripping', inject: () => checker.proxy.drip(20), heal: () => checker.proxy.drip(0), longest: 1500 },
    cuts(world, checker.proxy, 'connection to the checker cut between a request and its answer')
  ]
}

/** Cuts the connection at one answer of a service after the other, at least once. */
function cuts ({ random, count }: World, proxy: Proxy, name: string): Fault {
  let isSprung = false
  const arm = () => proxy.trap(1 + random.below(2), () => {
    isSprung = true
    count(`injected: ${name}`)
    arm()
  })
  const heal = () => until(async () => isSprung).finally(proxy.disarm)
  return { name, inject: arm, heal }
}

async function failAll (
  world: World, ailing: NonNullable<World['ailing']>, faults: readonly Fault[], kinds: readonly Operation[]
): Promise<Settle[]> {
  const settles: Settle[] = []
  for (const fault of world.random.shuffle(faults)) {
    world.ailing = ailing
    settles.push(...await suffer(world, fault, kinds))
    world.ailing = undefined
  }
  return settles
}

/** One fault from before a few operations on, until they and some others were answered. */
async function suffer (
  world: World, { name, inject, heal, longest = 400 }: Fault, kinds: readonly Operation[]
): Promise<Settle[]> {
  const { random, count, servers } = world
  const probing = new AbortController()
  const clients = await Promise.all(servers.running().map(async server => ({ server, client: await signIn(world, server, { id: 'nobody' }) })))
  await inject()
  if (!name.startsWith('connection')) count(`injected: ${name}`)
  const probes = clients.map(({ server, client }) => probe(world, server, client, probing.signal))
  const operations = run(world, [random.pick(kinds), random.pick(kinds)])
  await setTimeout(random.below(longest))
  await heal()
  const settles = await operations
  probing.abort()
  await Promise.all(probes)
  return settles
}

/** Asks for what needs the services, over and over. */
async function probe (world: World, server: Server, client: HttpClient, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const door of doors) await ask(world, server, client, ['post', `${door}/setup`], [200])
    await setTimeout(50)
  }
}
