import { randomBytes, randomInt } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Secret } from 'otpauth'
import t, { type Test } from 'tap'
import { startProcess, type Process } from '../faults/process.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { startChecker } from '../helpers/checker.js'
import { codeAt, createClock, type Clock } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { HttpClient } from '../helpers/process.js'
import type { HeapOrder } from './heap-server.js'

/** A host whose memory can be read, and the keys that it was given. */
async function startHost (t: Test, clock: Clock): Promise<{ server: Process<HeapOrder>, keys: string[] }> {
  const [database, { url }] = await Promise.all([
    startPostgres(t).then(postgres => postgres.createDatabase()), startChecker(t, { clock })
  ])
  await migrate(connect(t, database, 1))
  const keys = [randomBytes(32), randomBytes(32)].map(key => key.toString('base64'))
  const server = await startProcess<HeapOrder>(t, '../attack/heap-server.ts', {
    DATABASE_URL: database, CHECKER_URL: url, ENCRYPTION_KEYS: keys.join(','), NOW: String(clock())
  })
  return { server, keys }
}

/** All texts that are in the memory of a process: none is cut short below a thousand characters. */
async function textsOf (t: Test, { order }: Process<HeapOrder>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'two-factor-heap-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const file = join(folder, 'memory.heapsnapshot')
  await order({ file })
  const { strings } = JSON.parse(await readFile(file, 'utf8')) as { strings: string[] }
  return strings.join('\n')
}

/** The ways in which bytes may be written down. */
function spellings (name: string, bytes: Buffer): Array<[string, string]> {
  return (['hex', 'base64', 'base64url', 'latin1'] as const)
    .map(encoding => [`${name} in ${encoding}`, bytes.toString(encoding).replace(/=+$/, '')])
}

/** One sends a code as a script does, the other as a page without one. */
type Send = (client: HttpClient, path: string, code: string) => Promise<number>

const asJson: Send = async (client, path, code) => (await client.post(path, { code })).status
const asForm: Send = async ({ origin, cookie }, path, code) => {
  const { status } = await fetch(origin + path, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ code }),
    headers: { cookie, origin, 'sec-fetch-site': 'same-origin' }
  })
  return status
}

interface Walk {
  readonly server: Process<HeapOrder>
  readonly clock: Clock
  readonly user: string
  readonly prefix: string
  readonly send: Send
}

/** A user who enrols, mistypes, signs in and recovers. Returned is all that is nobody's business, by what it is. */
async function walk (t: Test, { server, clock, user, prefix, send }: Walk): Promise<Array<[string, string]>> {
  const client = new HttpClient(server.origin)
  await client.post(`/login/${user}`)
  const secret = String((await client.post(`${prefix}/setup`)).body.secret)
  const confirming = codeAt(secret, clock)
  const confirmed = await client.post(`${prefix}/setup/confirm`, { code: confirming })
  const recoveryCodes = confirmed.body.recoveryCodes as string[]
  clock.advance(60)
  await server.order({ clock: clock() })
  const [right, wrong] = [codeAt(secret, clock), `48${randomInt(1000, 10_000)}`]
  const [recovery = ''] = recoveryCodes
  const again = async (path: string, code: string) => {
    const next = new HttpClient(server.origin)
    await next.post(`/login/${user}`)
    return send(next, prefix + path, code)
  }
  t.equal(await again('/verify', wrong), 401)
  t.ok([200, 303].includes(await again('/verify', right)))
  t.equal(await again('/recover', `${recovery.slice(0, -1)}${recovery.endsWith('0') ? '1' : '0'}`), 401)
  t.ok([200, 303].includes(await again('/recover', recovery)))
  return [
    ['the secret in Base32', secret],
    ...spellings('the secret', Buffer.from(Secret.fromBase32(secret).bytes)),
    ['the code that confirmed', confirming],
    ['a right code', right],
    ['a wrong code', wrong],
    ...recoveryCodes.flatMap((code, index): Array<[string, string]> => [
      [`recovery code ${index}`, code], [`recovery code ${index}, bare`, code.replaceAll('-', '')]
    ])
  ]
}

/** Longer digits may have the same six in them. */
const isIn = (texts: string, word: string) =>
  /^\d{6}$/.test(word) ? new RegExp(`(?<!\\d)${word}(?!\\d)`).test(texts) : texts.includes(word)

t.test('E5 A2 once the answers are out, the memory of a process has no secret, no code, no recovery code and no key as text', async t => {
  t.setTimeout(120_000)
  const clock = createClock()
  const { server, keys } = await startHost(t, clock)
  const words = keys.flatMap((key, index) => spellings(`encryption key ${index}`, Buffer.from(key, 'base64')))
  // After each: what the first one has left could be gone with the second.
  for (const [user, prefix, send] of [['ada', '/local', asForm], ['eve', '/remote', asJson]] as const) {
    words.push(...await walk(t, { server, clock, user, prefix, send }))
    t.ok(words.length > 20 && words.every(([, word]) => word.length >= 6))
    const texts = await textsOf(t, server)
    t.ok(texts.includes(`${user}@example.com`), 'what the session keeps is found')
    t.ok(texts.includes('two_factor_trusted_devices'), 'and it is the memory of the plugin')
    t.same(words.filter(([, word]) => isIn(texts, word)).map(([name]) => name), [], prefix)
  }
})
