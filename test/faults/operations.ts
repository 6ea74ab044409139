import { randomBytes } from 'node:crypto'
import { encodeBase32 } from '../../plugin/otp/base32.js'
import { ask, codeOf, doors, keepSecret, signIn, statusOf, type Door, type Person, type World } from './world.js'
import type { Server } from './servers.js'

/** What looks, once all is well again, at what came of an operation. */
export type Settle = () => Promise<void>

/** Does something while faults are injected. */
export type Operation = (world: World, server: Server) => Promise<Settle>

let made = 0
const newId = (kind: string) => `${kind}-${++made}`

/** The first setup of a new user: wholly on, or not at all. */
export async function setUp (world: World, server: Server, door = pickDoor(world)): Promise<Settle> {
  const person: Person = { id: newId('user'), secret: '', recoveryCodes: [], isRemote: door === '/lenient' }
  const client = await signIn(world, server, person)
  const begun = await ask(world, server, client, ['post', `${door}/setup`], [200])
  if (begun !== 'cut' && begun.status === 200) person.secret = String(begun.body.secret)
  keepSecret(world, person)
  const confirmed = person.secret === ''
    ? 'cut'
    : await ask(world, server, client, ['post', `${door}/setup/confirm`, { code: codeOf(world, person) }], [200])
  if (confirmed !== 'cut' && confirmed.status === 200) person.recoveryCodes = confirmed.body.recoveryCodes as string[]
  keepSecret(world, person)
  const told = statusOf(confirmed) === 200

  return async () => {
    const isOn = (await rowOf(world, person))?.enabled_at instanceof Date
    world.check(isOn || !told, 'who was told that it is on has it on')
    // Who was not told has the app all the same.
    if (isOn) world.people.set(person.id, person)
    else if (statusOf(begun) === 200) await (await setUp(world, pickServer(world)))()
  }
}

/** The same of one whose codes the remote checker looks at. */
export const setUpRemote: Operation = (world, server) => setUp(world, server, '/lenient')

/** A sign-in by a code. */
export const verify: Operation = (world, server) => verifyOne(world, server, () => true)

/** A sign-in by a code that the remote checker looks at. */
export const verifyRemote: Operation = (world, server) => verifyOne(world, server, ({ isRemote = false }) => isRemote)

async function verifyOne (world: World, server: Server, fits: (person: Person) => boolean): Promise<Settle> {
  const person = pickPerson(world, fits)
  if (!person) return setUp(world, server)
  const { ailing } = world
  const code = codeOf(world, person)
  const client = await signIn(world, server, person)
  const answer = await ask(world, server, client, ['post', `${pickDoor(world)}/verify`, { code }], [200])
  if (ailing === 'the checker' && !person.isRemote) {
    world.check(statusOf(answer) === 200, 'who is checked in the process does not depend on the remote checker', person.id)
  }

  return async () => {
    if (ailing && statusOf(answer) === 503) await nothingIsSpent(world, person)
    const { last_step: lastStep } = await world.db.selectFrom('two_factor_authenticators')
      .select('last_step').where('user_id', '=', person.id).executeTakeFirstOrThrow()
    const burnt = Number(lastStep) >= Math.floor(world.clock() / 30_000)
    await isGoodOnce(world, person, '/verify', { code, burnt, accepted: statusOf(answer) === 200 })
  }
}

/** A sign-in by a recovery code. */
export async function recover (world: World, server: Server): Promise<Settle> {
  const person = pickPerson(world, ({ recoveryCodes }) => recoveryCodes.length > 0)
  const code = person?.recoveryCodes.pop()
  if (!person || code === undefined) return setUp(world, server)
  const { ailing } = world
  const before = world.recoveryHashes.get(person.id)?.length ?? 0
  const client = await signIn(world, server, person)
  const answer = await ask(world, server, client, ['post', `${pickDoor(world)}/recover`, { code }], [200])

  return async () => {
    if (ailing && statusOf(answer) === 503) await nothingIsSpent(world, person)
    const after = await recoveryHashesOf(world, [person])
    const burnt = (after.get(person.id)?.length ?? 0) < before
    await isGoodOnce(world, person, '/recover', { code, burnt, accepted: statusOf(answer) === 200 })
  }
}

/** New recovery codes in place of the old: wholly, or not at all. */
export async function renewCodes (world: World, server: Server): Promise<Settle> {
  const person = pickPerson(world)
  if (!person) return setUp(world, server)
  const old = [...person.recoveryCodes]
  const before = world.recoveryHashes.get(person.id) ?? []
  const client = await signIn(world, server, person)
  const door = pickDoor(world)
  await ask(world, server, client, ['post', `${door}/verify`, { code: codeOf(world, person) }], [200])
  // 403: the pass was not got.
  const answer = await ask(world, server, client, ['post', `${door}/recovery-codes`], [200, 403])
  const told = answer !== 'cut' && answer.status === 200 ? answer.body.recoveryCodes as string[] : undefined
  if (told) person.recoveryCodes = told
  keepSecret(world, person)

  return async () => {
    const after = (await recoveryHashesOf(world, [person])).get(person.id) ?? []
    const renewed = after.some(hash => !before.includes(hash))
    world.check(renewed || !told, 'who was told new recovery codes has them')
    world.check(!renewed || (after.length === 5 && !after.some(hash => before.includes(hash))),
      'a set of recovery codes is the old one or the new one as a whole')
    if (renewed && !told) person.recoveryCodes = []
    const worthless = renewed ? old.at(-1) : undefined
    if (worthless !== undefined) await isRefused(world, person, '/recover', worthless)
    const good = person.recoveryCodes.pop()
    if (good !== undefined) await isGoodOnce(world, person, '/recover', { code: good, burnt: false, accepted: false })
  }
}

/** Users taken over from elsewhere: each one wholly or not at all, and a second run finishes. */
export async function importUsers (world: World, server: Server): Promise<Settle> {
  const people = Array.from({ length: 6 }, () => (
    { id: newId('imported'), secret: encodeBase32(randomBytes(20)), recoveryCodes: [] }))
  for (const person of people) keepSecret(world, person)
  const imports = people.map(({ id, secret }) => ({ userId: id, secret }))
  const results = await server.order({ imports }).catch(() => undefined)

  return async () => {
    if (results !== undefined) world.count('answered: import')
    const again = await pickServer(world).order({ imports }) as unknown[]
    world.check(again.every(result => result === 'imported' || result === 'known'), 'a second import finishes', JSON.stringify(again))
    for (const person of people) {
      world.check((await rowOf(world, person))?.enabled_at instanceof Date, 'who was imported has it on')
      world.people.set(person.id, person)
    }
  }
}

/** Everything is sealed anew: whatever happens, all opens, and a second run finishes. */
export async function rotate (world: World, server: Server): Promise<Settle> {
  const rotateTo = world.random.below(2)
  await server.order({ rotateTo }).catch(() => undefined)
  return async () => {
    const again = await pickServer(world).order({ rotateTo }) as { failed: number }
    world.check(again.failed === 0, 'a second rotation finishes', JSON.stringify(again))
  }
}

interface SentCode {
  readonly code: string
  /** Whether the database has it as used. */
  readonly burnt: boolean
  /** Whether its client was told that it was right. */
  readonly accepted: boolean
}

/** A code whose answer was lost can be sent again if, and only if, it was not used. */
async function isGoodOnce (
  world: World, person: Person, path: string, { code, burnt, accepted }: SentCode
): Promise<void> {
  world.check(burnt || !accepted, 'an accepted code is burnt', person.id)
  if (!burnt) {
    const again = await send(world, person, path, code)
    world.check(again === 200, 'a code that was not used is good still', `${person.id} ${path}: ${again}`)
  }
  await isRefused(world, person, path, code)
}

async function isRefused (world: World, person: Person, path: string, code: string): Promise<void> {
  const status = await send(world, person, path, code)
  world.check(status === 401, 'no code is good twice', `${person.id} ${path}: ${status}`)
}

/** Where there was no verdict, no attempt is counted. */
async function nothingIsSpent (world: World, person: Person): Promise<void> {
  const [before, row] = [world.attempts.get(person.id) ?? 0, await rowOf(world, person)]
  world.check(row?.failed_attempts === before, 'without a verdict no attempt is spent', `${person.id}: ${before}, ${row?.failed_attempts}`)
}

/** @returns The status. */
export async function send (world: World, person: Person, path: string, code: string): Promise<number> {
  const server = pickServer(world)
  const client = await signIn(world, server, person)
  return statusOf(await ask(world, server, client, ['post', pickDoor(world) + path, { code }], [200, 401]))
}

const pickDoor = ({ random }: World): Door => random.pick(doors)

export const pickServer = (world: World) => world.random.pick(world.servers.running())

/** Who is busy in this round: each user does one thing at a time. */
export const busy = new Set<Person>()

function pickPerson (world: World, fits: (person: Person) => boolean = () => true): Person | undefined {
  const free = recent(world).filter(person => !busy.has(person) && fits(person))
  if (free.length === 0) return undefined
  const person = world.random.pick(free)
  busy.add(person)
  return person
}

function rowOf ({ db }: World, { id }: Person) {
  return db.selectFrom('two_factor_users').selectAll().where('user_id', '=', id).executeTakeFirst()
}

/** Those whom an operation of this round may be about: of the last ones, so that a long run does not slow down. */
const recent = ({ people }: World) => [...people.values()].slice(-40).filter(({ isAhead }) => !isAhead)

/** Takes down what recovery codes there are before faults begin, and how many attempts were spent. */
export async function noteRows (world: World): Promise<void> {
  world.recoveryHashes.clear()
  world.attempts.clear()
  const users = recent(world).map(({ id }) => id)
  for (const { user_id: user, failed_attempts: attempts } of await world.db.selectFrom('two_factor_users')
    .select(['user_id', 'failed_attempts']).where('user_id', 'in', ['', ...users]).execute()) world.attempts.set(user, attempts)
  for (const [user, hashes] of await recoveryHashesOf(world, recent(world))) world.recoveryHashes.set(user, hashes)
}

/** The hashes of the recovery codes that are not used, by user. */
async function recoveryHashesOf ({ db }: World, people: readonly Person[]): Promise<Map<string, string[]>> {
  const rows = await db.selectFrom('two_factor_users')
    .select(['user_id', 'recovery_hashes']).where('user_id', 'in', ['', ...people.map(({ id }) => id)]).execute()
  return new Map(rows.map(({ user_id: user, recovery_hashes: hashes }) =>
    [user, Buffer.from(hashes ?? []).toString('hex').match(/.{32}/g) ?? []]))
}

const names = new Map<Operation, string>([
  [setUp, 'setup'], [setUpRemote, 'setup, remote checker'], [verify, 'verify'], [verifyRemote, 'verify, remote checker'],
  [recover, 'recover'], [renewCodes, 'new recovery codes'], [importUsers, 'import'], [rotate, 'rotate']
])

/** What a report calls it. */
export const nameOf = (operation: Operation) => names.get(operation) ?? ''
