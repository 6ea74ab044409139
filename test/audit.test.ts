import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import t, { type Test } from 'tap'
import { kyselyStorage, type TwoFactorEvent, type TwoFactorStorage } from '../plugin/index.js'
import { startChecker } from './helpers/checker.js'
import { openDatabase } from './helpers/database.js'
import {
  buildHost, codeAt, createClock, enrol, enrolByImport, intercept, signIn, wrongCode, type HostOptions
} from './helpers/host.js'
import { authenticatorApi } from '../plugin/index.js'

async function setUp (t: Test, options: HostOptions = {}) {
  const told: TwoFactorEvent[] = []
  const db = await openDatabase()
  const host = await buildHost(t, {
    audit: true, storage: kyselyStorage(db), onEvent: event => { told.push(event) }, ...options
  })
  /** What is kept of a user, the oldest first. */
  const kept = async (user = 'ada') => (await host.app.twoFactor.events(user, { limit: 500 })).reverse()
  return { host, db, told, kept, ...host }
}

const types = (events: readonly TwoFactorEvent[]) => events.map(({ type }) => type)

t.test('what is kept is what was told, but for setups that were only begun', async t => {
  const { host, app, clock, told, kept } = await setUp(t)
  const { secret, recoveryCodes, client } = await enrol(host)
  clock.advance(30)
  const code = codeAt(secret, clock)
  await (await signIn(host)).post('/2fa/verify', { code })
  await (await signIn(host)).post('/2fa/verify', { code })
  for (let i = 0; i < 4; i++) {
    clock.advance(1)
    await (await signIn(host)).post('/2fa/verify', { code: wrongCode(secret, clock) })
  }
  await app.twoFactor.unlock('ada')
  clock.advance(30)
  await (await signIn(host)).post('/2fa/recover', { code: recoveryCodes[0] ?? '' })
  await client.post('/2fa/recovery-codes')
  await app.twoFactor.importSecret('ada', { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' })
  await app.twoFactor.reset('ada')
  const events = await kept()
  t.same(types(events), [
    'setup-confirmed', 'verified', 'reused', 'failed', 'failed', 'failed', 'failed', 'locked', 'unlocked', 'recovered',
    'recovery-codes-regenerated', 'imported', 'reset'
  ])
  const order = (some: readonly TwoFactorEvent[]) => [...some].sort((a, b) => a.id < b.id ? -1 : 1)
  t.same(order(events), order(told.filter(({ type }) => type !== 'setup-started')))
  t.match(events.find(({ type }) => type === 'locked'), { ip: '127.0.0.1', lockedUntil: Date })
  t.match(events[0], { userId: 'ada', authenticatorId: String, at: new Date('2026-01-01T00:00:00Z') })

  await t.test('in pages', async t => {
    const first = await app.twoFactor.events('ada', { limit: 5 })
    const second = await app.twoFactor.events('ada', { limit: 5, before: first[4]?.id ?? '' })
    t.same([...first, ...second], [...events].reverse().slice(0, 10))
    t.same(await app.twoFactor.events('eve'), [])
  })
})

t.test('E5 the audit holds no secret and no code', async t => {
  const { host, clock, db } = await setUp(t)
  const { secret, recoveryCodes } = await enrol(host)
  clock.advance(30)
  const codes = [codeAt(secret, clock), wrongCode(secret, clock)]
  for (const code of codes) await (await signIn(host)).post('/2fa/verify', { code })
  await (await signIn(host)).post('/2fa/recover', { code: recoveryCodes[0] ?? '' })
  const rows = await db.selectFrom('two_factor_events').selectAll().execute()
  const details = rows.map(({ type, detail, ip }) => `${type} ${detail} ${ip}`).join('\n')
  t.equal(rows.length, 4)
  for (const text of [secret, ...codes, ...recoveryCodes, ...recoveryCodes.map(code => code.replaceAll('-', ''))]) {
    t.notOk(details.includes(text))
  }
})

t.test('the lock that an attempt would have set is not in the audit if its code was right', async t => {
  const { host, clock, kept } = await setUp(t)
  const { secret } = await enrol(host)
  clock.advance(30)
  for (let i = 0; i < 4; i++) await (await signIn(host)).post('/2fa/verify', { code: wrongCode(secret, clock) })
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
  t.same(types(await kept()).sort(), ['failed', 'failed', 'failed', 'failed', 'setup-confirmed', 'verified'])
})

t.test('the last of a hundred wrong codes tells that the authenticators are off', async t => {
  const { host, clock, kept, told } = await setUp(t, { lockout: { attempts: 2, disableAfter: 2 } })
  const { secret } = await enrolByImport(host)
  clock.advance(30)
  for (let i = 0; i < 2; i++) await (await signIn(host)).post('/2fa/verify', { code: wrongCode(secret, clock) })
  const lock = (await kept()).find(({ type }) => type === 'locked')
  t.match(lock, { lockedUntil: null })
  t.same(lock, told.find(({ type }) => type === 'locked'))
})

t.test('an attempt that could not be checked leaves nothing but why', async t => {
  const clock = createClock()
  const checker = await startChecker(t, { clock })
  const verifier = authenticatorApi({ url: checker.url, allowHttp: true })
  const { host, kept } = await setUp(t, { clock, verifier, lockout: { attempts: 1 } })
  const { secret } = await enrol(host)
  await checker.stop()
  clock.advance(30)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 503)
  const events = await kept()
  t.same(types(events), ['setup-confirmed', 'verifier-unavailable'])
  t.match(events[1], { verifier: 'authenticator-api' })
})

t.test('an attempt that the database counts too late is taken back from the audit as well', async t => {
  const storage = kyselyStorage(await openDatabase())
  let [open, refunded] = [() => {}, () => {}]
  const gate = new Promise<void>(resolve => { open = resolve })
  const refund = new Promise<void>(resolve => { refunded = resolve })
  const { host, clock, kept } = await setUp(t, {
    storageTimeout: 100,
    lockout: { attempts: 1 },
    storage: {
      ...storage,
      async claimAttempt (...given) {
        await gate
        return storage.claimAttempt(...given)
      },
      async refundAttempt (...given) {
        await storage.refundAttempt(...given)
        refunded()
      }
    }
  })
  const { secret } = await enrol(host)
  clock.advance(30)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 503)
  open()
  await refund
  t.same(types(await kept()), ['setup-confirmed'])
  t.match(await host.app.twoFactor.status('ada'), { failedAttempts: 0, lockedUntil: null })
})

t.test('a change that failed has no event, and an event that cannot be written undoes the change', async t => {
  const { host, app, db, clock, kept, told } = await setUp(t)
  const { secret } = await enrolByImport(host)
  t.equal(await app.twoFactor.unlock('nobody'), false)
  t.same(await kept('nobody'), [])

  await db.schema.alterTable('two_factor_events').renameTo('two_factor_events_elsewhere').execute()
  const before = told.length
  try {
    await t.rejects(app.twoFactor.reset('ada'), { code: 'FST_2FA_UNAVAILABLE' })
    t.match(await app.twoFactor.status('ada'), { enabled: true })
    clock.advance(30)
    t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 503, 'no code goes unrecorded')
    t.equal(told.length, before)
  } finally {
    await db.schema.alterTable('two_factor_events_elsewhere').renameTo('two_factor_events').execute()
  }
  t.match(await app.twoFactor.status('ada'), { failedAttempts: 0 })
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
})

t.test('the audit costs a sign-in no statement more', async t => {
  for (const audit of [false, true]) {
    const calls: string[] = []
    const storage: TwoFactorStorage = intercept(kyselyStorage(await openDatabase()), name => { calls.push(name) })
    const { host, clock } = await setUp(t, { audit, storage })
    const { secret } = await enrolByImport(host)
    clock.advance(30)
    const client = await signIn(host)
    calls.length = 0
    await client.post('/2fa/verify', { code: wrongCode(secret, clock) })
    await client.post('/2fa/verify', { code: codeAt(secret, clock) })
    t.same(calls, ['claimAttempt', 'claimAttempt', 'acceptStep'])
  }
})

t.test('every event is on the diagnostics channel, also without a listener of the host', async t => {
  const heard: unknown[] = []
  const listen = (event: unknown) => { heard.push(event) }
  subscribe('fastify-authenticator-2fa:event', listen)
  t.teardown(() => unsubscribe('fastify-authenticator-2fa:event', listen))
  await enrol(await buildHost(t))
  t.match(heard, [{ type: 'setup-started', userId: 'ada' }, { type: 'setup-confirmed', userId: 'ada', id: /^[0-9a-f]{28}$/ }])
})

t.test('old events are forgotten in batches', async t => {
  const { host, app, db, clock } = await setUp(t)
  await enrol(host)
  await app.twoFactor.reset('ada')
  const day = new Date(clock())
  const storage = kyselyStorage(db)
  t.equal(await storage.pruneEvents(day, 10), 0)
  t.equal(await storage.pruneEvents(new Date(day.getTime() + 1), 1), 1)
  t.equal(await storage.pruneEvents(new Date(day.getTime() + 1), 10), 1)
  t.same(await app.twoFactor.events('ada'), [])
})

t.test('users see what happened to them, and only past their second factor', async t => {
  const { host, app, clock } = await setUp(t)
  const { client, secret } = await enrol(host)
  clock.advance(30)
  const password = await signIn(host)
  await password.post('/2fa/verify', { code: wrongCode(secret, clock) })
  t.notMatch((await password.page('/2fa')).body, /Recent activity/)
  const page = (await client.page('/2fa')).body
  t.match(page, /Recent activity/)
  const at = '<time datetime="2026-01-01T00:00:30.000Z" data-time>January 1, 2026 at 12:00 AM UTC</time>'
  t.match(page, `A wrong code was entered</dt>\n<dd>${at} from 127.0.0.1</dd>`)
  t.match(page, /An authenticator was added/)
  await enrol(host, 'eve')
  t.equal((await app.twoFactor.events('eve')).length, 1)

  const { host: silent } = await setUp(t, { audit: false })
  t.notMatch((await (await enrolByImport(silent)).client.page('/2fa')).body, /Recent activity/)
})
