import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { kyselyStorage } from '../../plugin/index.js'
import { withDatabase } from '../../plugin/cli/context.js'
import type { Terminal } from '../../plugin/cli/terminal.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { buildHost, codeAt, createClock, encryptionKeys, enrolByImport, signIn, wrongCode, type Host } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { HttpClient } from '../helpers/process.js'
import { layWire, type Held, type Wire } from './wire.js'

const url = await (await startPostgres(t)).createDatabase()
const db = connect(t, url, 4)
await migrate(db)
const storage = kyselyStorage(db)

/** A process that can be killed at a statement of its own. */
interface Victim {
  readonly wire: Wire
  readonly origin: string
  readonly process: ChildProcess
}

async function startVictim (t: Test, { clock }: Host): Promise<Victim> {
  const wire = await layWire(t, url)
  const env = { ...process.env, DATABASE_URL: wire.url, ENCRYPTION_KEY: encryptionKeys[0], NOW: String(clock()), RATE_LIMIT: 'off' }
  const child = fork(new URL('../helpers/server.ts', import.meta.url), { env })
  t.teardown(() => child.kill('SIGKILL'))
  const [origin] = await once(child, 'message') as [string]
  return { wire, origin, process: child }
}

/** Sends a request, and kills the process where the wire holds it. `false` if it was answered before that. */
async function killAt (
  { wire, process }: Victim, held: Held, picks: (sql: string, index: number) => boolean, send: () => Promise<unknown>
): Promise<boolean> {
  const heldBack = wire.hold(held, picks).then(() => true)
  const answered = send().then(() => false, () => heldBack)
  const killed = await Promise.race([heldBack, answered])
  const gone = once(process, 'exit')
  process.kill('SIGKILL')
  await gone
  wire.cut()
  return killed
}

/** A process that stays. */
const buildSurvivor = (t: Test) => buildHost(t, { storage, rateLimit: false, recoveryCodes: 5, clock: createClock() })

const accepts = (sql: string) => sql.includes('"burned"')
const claims = (sql: string) => sql.includes('"claimed"')

t.test('K1 killed once the database has accepted a code, and before it is told so: the code is never good again, the next one is', async t => {
  const host = await buildSurvivor(t)
  const { secret } = await enrolByImport(host, 'k1')
  const victim = await startVictim(t, host)
  const client = new HttpClient(victim.origin)
  await client.post('/login/k1')
  host.clock.advance(30)
  const code = codeAt(secret, host.clock)

  t.equal(await killAt(victim, 'answer', accepts, () => client.post('/2fa/verify', { code })), true)
  t.ok(victim.wire.seen.some(accepts), 'it was the accepting statement')

  t.equal((await (await signIn(host, 'k1')).post('/2fa/verify', { code })).statusCode, 401)
  host.clock.advance(30)
  t.equal((await (await signIn(host, 'k1')).post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode, 200)
})

t.test('K1 killed before the database has accepted a code: it is good once', async t => {
  const host = await buildSurvivor(t)
  const { secret } = await enrolByImport(host, 'k1-before')
  const victim = await startVictim(t, host)
  const client = new HttpClient(victim.origin)
  await client.post('/login/k1-before')
  host.clock.advance(30)
  const code = codeAt(secret, host.clock)

  t.equal(await killAt(victim, 'statement', accepts, () => client.post('/2fa/verify', { code })), true)

  const answers = [(await signIn(host, 'k1-before')), (await signIn(host, 'k1-before'))].map(client => client.post('/2fa/verify', { code }))
  t.same((await Promise.all(answers)).map(({ statusCode }) => statusCode).sort(), [200, 401])
})

// What the database has of a death is a connection that is cut, in the middle of whatever it was. Seventeen processes
// would take a minute to start, so here the app stays, with no way to the database any more.
t.test('K2 killed at each statement of a confirmation: two-factor is off, or wholly on', async t => {
  const host = await buildSurvivor(t)
  const states = { off: 0, on: 0 }
  for (const held of ['statement', 'answer'] as const) {
    for (let index = 0, cut = true; cut; index++) {
      const user = `k2-${held}-${index}`
      const wire = await layWire(t, url)
      const dyingStorage = kyselyStorage(connect(t, wire.url))
      const dying = await buildHost(t, { storage: dyingStorage, recoveryCodes: 5, clock: host.clock })
      const client = await signIn(dying, user)
      const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
      const heldBack = wire.hold(held, (_sql, at) => at === index).then(() => true)
      const confirmed = client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })
      cut = await Promise.race([heldBack, confirmed.then(() => false)])
      wire.cut()
      t.equal((await confirmed).statusCode, cut ? 503 : 200, `${user}: ${wire.seen.at(-1)?.slice(0, 40)}`)
      const on = await isOn(t, host, user, secret)
      states[on ? 'on' : 'off']++
      if (!cut) t.ok(on && index > 4, `${index} statements`)
    }
  }
  t.ok(states.off > 8 && states.on > 2, JSON.stringify(states))
})

/** Whether two-factor authentication of a user is on, with everything that belongs to it, or off without a trace. */
async function isOn (t: Test, host: Host, user: string, secret: string): Promise<boolean> {
  const counts = await Promise.all((['authenticators', 'passes'] as const).map(table => db
    .selectFrom(`two_factor_${table}`).select('user_id').where('user_id', '=', user).execute().then(rows => rows.length)))
  const status = await storage.findStatus(user)
  const client = await signIn(host, user)
  if (status?.enabledAt) {
    t.same([...counts, status.recoveryCodesLeft], [1, 1, 5], user)
    t.equal((await client.get('/dashboard')).statusCode, 403)
    const used = { code: codeAt(secret, host.clock) }
    t.equal((await client.post('/2fa/verify', used)).statusCode, 401, 'the code that confirmed it is used')
    t.equal((await client.post('/2fa/verify', { code: codeAt(secret, host.clock, 1) })).statusCode, 200)
    return true
  }
  t.same(counts, [0, 0], user)
  const again = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
  t.equal((await client.post('/2fa/setup/confirm', { code: codeAt(again, host.clock) })).statusCode, 200, 'and can be set up')
  return false
}

t.test('K4 killed while an attempt is counted: the count never falls, and the fifth locks', async t => {
  const host = await buildSurvivor(t)
  const { secret } = await enrolByImport(host, 'k4')
  host.clock.advance(30)
  const code = wrongCode(secret, host.clock)
  const count = () => storage.findStatus('k4').then(status => status?.failedAttempts)
  const guess = async () => (await (await signIn(host, 'k4')).post('/2fa/verify', { code })).statusCode
  for (const held of ['statement', 'answer', 'answer'] as const) {
    const victim = await startVictim(t, host)
    const client = new HttpClient(victim.origin)
    await client.post('/login/k4')
    const before = await count() ?? 0
    t.equal(await killAt(victim, held, claims, () => client.post('/2fa/verify', { code })), true)
    t.equal(await count(), held === 'answer' ? before + 1 : before, `its ${held} was held`)
  }
  t.same([await guess(), await guess(), await guess()], [401, 401, 401])
  t.equal(await count(), 5)
  t.equal(await guess(), 429)
})

t.test('D1 a command whose connection is cut in a transaction says so, and does not end the process', async t => {
  const wire = await layWire(t, url)
  const terminal = { env: { DATABASE_URL: wire.url } } as unknown as Terminal
  const cut = wire.hold('statement', sql => sql.includes('two_factor_passes')).then(wire.cut)
  const command = withDatabase(terminal, {}, db => db.transaction().execute(
    trx => trx.selectFrom('two_factor_passes').select('user_id').execute()))
  await t.rejects(command, /connection/i)
  await cut
})
