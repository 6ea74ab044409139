import { setTimeout } from 'node:timers/promises'
import { nameOf, pickServer, send, setUp, type Operation, type Settle } from './operations.js'
import type { Server } from './servers.js'
import { advance, ask, codeOf, signIn, statusOf, type Person, type World } from './world.js'

/** One kind of fault: brings it about while operations run, and takes it away again. */
export type Injection = (world: World, operations: readonly Operation[]) => Promise<Settle[]>

/** What is under way. */
const pending = new Set<{ readonly name: string }>()

/** So many operations, each at a random server unless it is given. */
export function run (world: World, chosen: readonly Operation[], server?: Server): Promise<Settle[]> {
  return Promise.all(chosen.map(async operation => {
    const task = { name: nameOf(operation) }
    world.count(`operation: ${task.name}`)
    pending.add(task)
    return operation(world, server ?? pickServer(world)).finally(() => pending.delete(task))
  }))
}

/** Kills a process at a random moment, or exactly when the database has carried a statement out. */
export async function killProcess (world: World, chosen: readonly Operation[]): Promise<Settle[]> {
  const { random, count } = world
  const server = pickServer(world)
  const atStatement = random.below(2) === 0
  const moment = atStatement ? 1 + random.below(12 * chosen.length) : random.below(400)
  let dying: Promise<unknown> | undefined
  const kill = () => {
    if (dying) return
    for (const { name } of pending) count(`injected: process killed in the middle of: ${name}`)
    dying = server.kill()
  }
  if (atStatement) {
    server.proxy.trap(moment, () => {
      count('injected: process killed between a statement and its answer')
      kill()
    })
  } else {
    setTimeout(moment).then(kill)
  }
  const settles = await run(world, chosen, server)
  // Had they ended by then, it is killed at rest.
  kill()
  await dying
  count('injected: process killed')
  return settles
}

/** Cuts the connection at each statement of a setup in turn, and then of whatever runs, again and again. */
export async function cutConnection (world: World, chosen: readonly Operation[]): Promise<Settle[]> {
  const { random, servers, count } = world
  const rearm = ({ proxy }: Pick<Server, 'proxy'>) => proxy.trap(1 + random.below(3), () => {
    count('injected: connection cut between a statement and its answer')
    rearm({ proxy })
  })
  const swept: Settle[] = []
  const [first] = servers.running() as [Server]
  for (let statement = 1; statement <= 9; statement++) {
    first.proxy.trap(statement, () => count('injected: connection cut between a statement and its answer'))
    swept.push(...await run(world, [setUp], first))
    first.proxy.disarm()
  }
  for (const server of servers.running()) rearm(server)
  const settles = [...swept, ...await run(world, chosen)]
  for (const server of servers.running()) server.proxy.disarm()
  return settles
}

/** A fault of the database from a random moment on, for a while. */
function databaseFault (
  name: string, inject: (world: World) => Promise<void>, heal: (world: World) => Promise<void>, longest = 500
): Injection {
  return async (world, chosen) => {
    const { random, count } = world
    const [before, during] = [random.below(150), random.below(longest)]
    const probing = new AbortController()
    const suffering = (async () => {
      await setTimeout(before)
      try {
        await inject(world)
        count(`injected: ${name}`)
        await setTimeout(during)
      } finally {
        await heal(world)
      }
    })()
    const probes = world.servers.running().map(server => probe(world, server, probing.signal))
    const late = setTimeout(before).then(() => run(world, chosen.slice(2)))
    const settles = [...await run(world, chosen.slice(0, 2)), ...await late]
    await suffering
    probing.abort()
    await Promise.all(probes)
    return settles
  }
}

/** Asks for what needs the database, over and over. */
async function probe (world: World, server: Server, signal: AbortSignal): Promise<void> {
  const client = await signIn(world, server, { id: 'nobody' })
  while (!signal.aborted) {
    await ask(world, server, client, ['get', '/strict'], [200])
    await setTimeout(20)
  }
}

export const stopDatabase = databaseFault('database stopped and started',
  ({ database }) => database.stop(), ({ database }) => database.start())

export const crashDatabase = databaseFault('process of the database killed',
  ({ database }) => database.crash(), async () => {})

export const pauseDatabase = databaseFault('database paused',
  ({ database }) => database.pause(), ({ database }) => database.resume(), 2500)

export const makeReadOnly = databaseFault('database read-only',
  ({ database }) => database.setReadOnly(true), ({ database }) => database.setReadOnly(false))

export const fillConnections = databaseFault('database out of connections',
  ({ database }) => database.fill(), ({ database }) => database.free())

/** The clock of the servers, or of one, goes an hour off and comes back, while phones go right. */
export async function jumpClock (world: World): Promise<Settle[]> {
  const { random, servers, clock, check, count } = world
  // A remote checker goes by a clock of its own.
  for (let person = 0; person < 2; person++) await (await setUp(world, pickServer(world), '/strict'))()
  await advance(world, 60)
  const [usual, following] = [...world.people.values()].slice(-2) as [Person, Person]
  const hours = random.pick([-1, 1])
  const wrong = random.pick([servers.running(), servers.running().slice(0, 1)])
  const used = codeOf(world, usual)
  check(await send(world, usual, '/verify', used) === 200, 'a right code is accepted')

  await Promise.all(wrong.map(server => server.order({ clock: clock() + hours * 3_600_000 })))
  count(`injected: clock ${hours > 0 ? '+' : '-'}1 h`)
  const tryAt = async (person: Person, path: string, code: string) => statusOf(await ask(
    world, wrong[0] as Server, await signIn(world, wrong[0] as Server, person), ['post', path, { code }], [200, 401]))
  check(await tryAt(usual, '/strict/verify', used) === 401, 'no code is good twice', 'after a jump')
  const status = await tryAt(following, '/strict/verify', codeOf(world, following, hours * 3600))
  // One that has signed in by the right clock waits until time has caught up.
  check(hours < 0 ? status === 401 : status === 200, 'a clock that steps back makes no code good', `${status}`)
  for (const person of [usual, following]) {
    const code = person.recoveryCodes.pop() ?? ''
    check(await tryAt(person, '/strict/recover', code) === 200, 'a recovery code lets in whatever the clock says', person.id)
  }

  await servers.setClock(clock())
  check(await send(world, usual, '/verify', used) === 401, 'no code is good twice', 'after a jump and back')
  await advance(world, 30)
  following.isAhead = hours > 0
  return []
}
