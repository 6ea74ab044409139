import fc from 'fast-check'
import type { KyselyPlugin } from 'kysely'
import { readFileSync } from 'node:fs'
import { TOTP } from 'otpauth'
import t, { type Test } from 'tap'
import { kyselyStorage, type StoredAuthenticator, type TwoFactorEvent, type TwoFactorStorage } from '../plugin/index.js'
import { driftOf, followClock, resyncs } from '../plugin/service/clocks.js'
import { openDatabase } from './helpers/database.js'
import {
  buildHost, Client, codeAt, createClock, enrolByImport, intercept, signIn, wrongCode, type HostOptions
} from './helpers/host.js'

const verify = (client: Client, code: string) => client.post('/2fa/verify', { code })

/** A host with a user whose app is an hour old, and a client of hers that is past the password. */
async function build (t: Test, options: HostOptions = {}) {
  const storage = options.storage ?? kyselyStorage(await openDatabase())
  const host = await buildHost(t, {
    rateLimit: false, lockout: { attempts: 20 }, clock: createClock('2026-01-01T12:00:05Z'), ...options, storage
  })
  const { secret } = await enrolByImport(host)
  const client = await signIn(host)
  host.clock.advance(3600)
  const code = (steps: number) => codeAt(secret, host.clock, steps)
  return { ...host, storage, secret, client, code, send: (steps: number) => verify(client, code(steps)) }
}

async function authenticatorOf (storage: TwoFactorStorage): Promise<StoredAuthenticator> {
  return (await storage.findStatus('ada'))?.authenticators[0] as StoredAuthenticator
}

/** What any wrong code is answered. */
const plain = {
  statusCode: 401,
  code: 'FST_2FA_INVALID_CODE',
  error: 'Unauthorized',
  message: 'That code is not right. Wait for the next one and try again'
}

t.test('a code of another time is refused, and tells how far the phone\'s clock is off, up to ten minutes', async t => {
  const { app, clock, storage, send } = await build(t)
  for (let steps = -23; steps <= 23; steps++) {
    const answer = await send(steps)
    const seconds = Math.abs(steps * 30)
    if (seconds <= 30) {
      t.equal(answer.statusCode, 200, `${steps}`)
    } else if (seconds > 600) {
      t.same(answer.json(), plain, `${steps}`)
    } else {
      const minutes = Math.round(seconds / 60)
      t.same(answer.json(), {
        ...plain,
        message: `The clock of your phone seems to be about ${minutes} minute${minutes > 1 ? 's' : ''} ` +
          `${steps > 0 ? 'ahead' : 'behind'}. Set its date and time to automatic, then enter a new code`,
        clockOffset: steps * 30
      }, `${steps}`)
    }
    t.match(await storage.findStatus('ada'), { failedAttempts: seconds <= 30 ? 0 : 1 }, 'and is counted')
    await app.twoFactor.unlock('ada')
    clock.advance(3600)
  }
})

t.test('ten minutes are as many steps as the authenticator\'s period says', async t => {
  const { app, clock } = await buildHost(t, { rateLimit: false, lockout: { attempts: 20 }, digits: 8 })
  for (const [period, reach, about] of [[15, 40, '30 seconds'], [45, 13, '2 minutes'], [120, 5, '4 minutes']] as const) {
    const user = `period-${period}`
    const parameters = { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', period, algorithm: 'SHA256', digits: 8 } as const
    await app.twoFactor.importSecret(user, parameters)
    const client = await signIn({ app, clock }, user)
    const send = (steps: number) =>
      verify(client, new TOTP(parameters).generate({ timestamp: clock() + steps * period * 1000 }))
    t.match((await send(2)).json(), { clockOffset: 2 * period, message: new RegExp(`about ${about} ahead`) })
    for (const side of [-1, 1]) {
      t.match((await send(side * reach)).json(), { clockOffset: side * reach * period })
      t.same((await send(side * (reach + 1))).json(), plain)
    }
  }
})

t.test('W8 wrong, used, burnt and not enrolled are answered alike', async t => {
  const { app, clock, secret, send, code, client } = await build(t)
  const eve = await signIn({ app, clock }, 'eve')
  t.equal((await send(0)).statusCode, 200)
  t.match((await send(10)).json(), { clockOffset: 300 })
  for (const typed of [wrongCode(secret, clock), code(0), code(-1), code(-12), code(10)]) {
    t.same((await verify(client, typed)).json(), plain)
  }
  for (const steps of [0, 10, -10]) t.same((await verify(eve, code(steps))).json(), plain, 'not enrolled')
  clock.advance(600)
  t.same((await send(-20)).json(), plain, 'a used code is never hinted at')
})

t.test('a code from the future that was hinted at is burnt, and its neighbours are not', async t => {
  for (const [steps, window] of [[1, 0], [2, 0], [2, 1], [3, 2], [7, 1], [19, 2], [20, 0], [20, 1]] as const) {
    const { clock, client, code, send } = await build(t, { window })
    const burnt = code(steps)
    t.match((await verify(client, burnt)).json(), { clockOffset: steps * 30 })
    clock.advance((steps - window) * 30)
    for (let early = window; early >= -window; early--) {
      t.same((await verify(client, burnt)).json(), plain, `${steps} steps, window ${window}: it is ${early} early`)
      clock.advance(30)
    }
    if (window > 0) clock.advance(-30)
    t.equal((await send(window > 0 ? 1 - window : 0)).statusCode, 200, 'the one after it is right')
  }
  const { clock, send } = await build(t)
  await send(5)
  clock.advance(120)
  t.equal((await send(0)).statusCode, 200, 'and so is the one before')
})

t.test('a code of the past that was hinted at stays burnt when a resync moves the window there', async t => {
  const { clock, client, code, send } = await build(t)
  const burnt = code(-5)
  t.match((await verify(client, burnt)).json(), { clockOffset: -150 })
  clock.advance(7 * 30)
  t.match((await send(-15)).json(), { clockOffset: -450 }, 'three steps before the burnt one')
  clock.advance(30)
  t.equal((await send(-15)).statusCode, 200, 'two before')
  clock.advance(60)
  t.equal(code(-15), burnt)
  t.same((await verify(client, burnt)).json(), plain)
  t.equal((await send(-14)).statusCode, 200, 'one after')
})

t.test('two consecutive codes that are as far off resync an authenticator, and neither is right again', async t => {
  for (const steps of [-20, -19, -3, -2, 2, 3, 11, 20]) {
    const { app, clock, client, code, send, storage } = await build(t)
    const used = [code(steps)]
    t.match((await send(steps)).json(), { clockOffset: steps * 30 })
    clock.advance(30)
    used.push(code(steps))
    t.same((await send(steps)).json(), { verified: true }, `${steps}`)
    t.match(await authenticatorOf(storage), { drift: steps, hint: null })
    t.match(await storage.findStatus('ada'), { failedAttempts: 0 })
    t.equal((await client.get('/dashboard')).statusCode, 200)

    const other = await signIn({ app, clock })
    for (let after = 0; after < 40; after += 8) {
      for (const code of used) t.same((await verify(other, code)).json(), plain)
      await app.twoFactor.unlock('ada')
      clock.advance(240)
    }
    for (const near of [-1, 0, 1]) t.equal((await send(steps + near)).statusCode, 200, 'the window is where its clock is')
    clock.advance(3600)
    for (const far of [-2, 2]) t.equal((await send(steps + far)).statusCode, 401, 'and no wider')
  }
})

t.test('the second code of a resync may be one that comes a little later', async t => {
  for (const [later, status] of [[1, 200], [2, 200], [3, 200], [4, 401]] as const) {
    const { clock, send } = await build(t)
    await send(7)
    clock.advance(later * 30)
    t.equal((await send(7)).statusCode, status, `${later} steps later`)
  }
})

t.test('nothing but that resyncs', async t => {
  type Built = Awaited<ReturnType<typeof build>>
  const attempts: Record<string, (host: Built) => Promise<unknown>> = {
    async 'the same code twice' ({ client, code, clock }) {
      const first = code(7)
      await verify(client, first)
      clock.advance(30)
      return verify(client, first)
    },
    async 'the code after it at the same moment' ({ send }) {
      await send(7)
      return send(8)
    },
    async 'another offset' ({ send, clock }) {
      await send(7)
      clock.advance(30)
      return send(8)
    },
    async 'the other side' ({ send, clock }) {
      await send(7)
      clock.advance(30)
      return send(-7)
    },
    async 'the codes in the wrong order' ({ client, code, clock }) {
      const first = code(-7)
      clock.advance(30)
      await verify(client, code(-7))
      return verify(client, first)
    },
    async 'a clock that is back where it was' ({ send, clock }) {
      await send(7)
      clock.advance(-30)
      return send(7)
    },
    async 'a day later' ({ send, clock }) {
      await send(7)
      clock.advance(86_400)
      return send(7)
    },
    async 'a code that was accepted in between' ({ send, clock }) {
      await send(-7)
      clock.advance(30)
      if ((await send(0)).statusCode !== 200) throw new Error('not accepted')
      return send(-7)
    },
    async 'a code from the future, and a code that was accepted in between' ({ send, clock }) {
      await send(7)
      clock.advance(30)
      if ((await send(0)).statusCode !== 200) throw new Error('not accepted')
      return send(7)
    },
    async 'a reset in between' ({ app, clock, send }) {
      await send(7)
      await app.twoFactor.reset('ada')
      await enrolByImport({ app, clock })
      clock.advance(30)
      return send(7)
    }
  }
  for (const [name, task] of Object.entries(attempts)) {
    const host = await build(t)
    t.match(await task(host), { statusCode: 401 }, name)
    t.equal((await authenticatorOf(host.storage)).drift, 0, name)
  }
})

t.test('a hint is of one authenticator, and so is a resync', async t => {
  const { app, clock, client, secret, send, storage } = await build(t)
  t.equal((await send(0)).statusCode, 200)
  const tablet = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
  t.equal((await client.post('/2fa/setup/confirm', { code: codeAt(tablet, clock) })).statusCode, 200)
  clock.advance(3600)
  const other = await signIn({ app, clock })
  const type = (secret: string) => verify(other, codeAt(secret, clock, 8))
  t.match((await type(secret)).json(), { clockOffset: 240 })
  clock.advance(30)
  t.match((await type(tablet)).json(), { clockOffset: 240 }, 'the code of another one confirms nothing')
  clock.advance(30)
  t.equal((await type(tablet)).statusCode, 200)
  const drifts = (await storage.findStatus('ada'))?.authenticators.map(({ drift }) => drift)
  t.same(drifts, [0, 8])
})

t.test('resync is bounded, and can be off', async t => {
  for (const [resync, steps, status] of [
    [{ maxDrift: 90 }, 3, 200], [{ maxDrift: 90 }, -3, 200], [{ maxDrift: 90 }, 4, 401], [{ maxDrift: 119 }, -4, 401],
    [{}, 20, 200], [false, 2, 401], [false, -20, 401]
  ] as const) {
    const { clock, send } = await build(t, { resync })
    t.match((await send(steps)).json(), { clockOffset: steps * 30 })
    clock.advance(30)
    t.equal((await send(steps)).statusCode, status, JSON.stringify([resync, steps]))
  }
})

t.test('a phone that was resynced and is set right again is resynced to that', async t => {
  const { clock, send, storage } = await build(t)
  await send(-10)
  clock.advance(30)
  t.equal((await send(-10)).statusCode, 200)
  clock.advance(3600)
  t.match((await send(0)).json(), { ...plain, clockOffset: 0, message: /used to be off and is right now/ })
  clock.advance(30)
  t.equal((await send(0)).statusCode, 200)
  t.match(await authenticatorOf(storage), { drift: 0 })
})

t.test('a clock that loses a second a day is followed for a year, and without a resync as far as the window', async t => {
  for (const resync of [{}, false] as const) {
    const { client, clock, secret, storage } = await build(t, { resync })
    let day = 1
    for (; day <= 365; day++) {
      clock.advance(86_400)
      const slow = () => clock() - day * 1000
      if ((await verify(client, codeAt(secret, slow))).statusCode !== 200) break
    }
    const { drift } = await authenticatorOf(storage)
    if (resync) t.same({ day, drift }, { day: 366, drift: -12 })
    // 2 steps behind, and the 5 seconds of its step that are over: the window has been one step back, and ends there.
    else t.same({ day, drift }, { day: 66, drift: -1 })
  }
})

t.test('the window moves for what comes again, and not for one code at its edge', async t => {
  const { clock, send, storage } = await build(t)
  const codes = [
    [1, 0], [0, 0], [-1, 0], [1, 0], [-1, 0], [-1, -1], [-2, -1], [-1, -1], [-2, -1], [-2, -2], [-1, -2], [-1, -1]
  ] as const
  for (const [steps, drift] of codes) {
    clock.advance(600)
    t.equal((await send(steps)).statusCode, 200)
    t.equal((await authenticatorOf(storage)).drift, drift, `after ${steps}`)
  }
  clock.advance(7 * 86_400)
  t.equal((await send(0)).statusCode, 200)
  t.equal((await authenticatorOf(storage)).drift, 0, 'one code is enough after a week')
})

const arbitraryAuthenticator = fc.record({
  drift: fc.integer({ min: -25, max: 25 }),
  lastStep: fc.integer({ min: 0, max: 1_000_040 }),
  lastUsedAt: fc.option(fc.integer({ min: 0, max: 30_000_000_000 }).map(at => new Date(at))),
  hint: fc.option(fc.record({
    step: fc.integer({ min: 999_970, max: 1_000_030 }),
    at: fc.integer({ min: 29_999_700_000, max: 30_000_300_000 }).map(at => new Date(at))
  })),
  period: fc.constantFrom(15, 30, 60, 120)
}).map(given => given as StoredAuthenticator)
const arbitraryRules = fc.record({
  window: fc.integer({ min: 0, max: 2 }),
  resync: fc.oneof(fc.constant(false as const), fc.record({ maxDrift: fc.integer({ min: 30, max: 600 }) }))
})

t.test('a drift moves by one step at most, towards the code, and never out of its bound', async () => {
  const arbitraryOff = fc.integer({ min: -2, max: 2 })
  fc.assert(fc.property(arbitraryAuthenticator, arbitraryRules, arbitraryOff, (authenticator, rules, off) => {
    const now = 30_000_000_000
    const { period } = authenticator
    const before = driftOf(authenticator, rules)
    const after = followClock(authenticator, Math.floor(now / (period * 1000)) + before + off, now, rules)
    const bound = rules.resync ? rules.resync.maxDrift / period : rules.window
    return Math.abs(after) <= bound && Math.abs(after - before) <= 1 && (after - before) * off >= 0 &&
      (Math.abs(off) >= rules.window || after === before)
  }), { numRuns: 5000 })
})

t.test('a guesser who was given a hint for nothing has one more code in a million, and no more', async t => {
  fc.assert(fc.property(arbitraryAuthenticator, arbitraryRules, (authenticator, rules) => {
    const now = 30_000_000_000
    const current = Math.floor(now / (authenticator.period * 1000))
    const resyncing = Array.from({ length: 101 }, (_, index) => current + index - 50)
      .filter(step => resyncs(authenticator, step, now, rules))
    return resyncing.length <= 1
  }), { numRuns: 5000 })

  // The same over HTTP, code by code: each of the codes within ten minutes, in the place of the one guess.
  const db = await openDatabase()
  const { app, clock, send } = await build(t, { storage: kyselyStorage(db) })
  await send(9)
  const hinted = await db.selectFrom('two_factor_authenticators').selectAll().executeTakeFirstOrThrow()
  clock.advance(30)
  const accepted: number[] = []
  for (let steps = -22; steps <= 22; steps++) {
    await app.twoFactor.unlock('ada')
    const { user_id: _, id: __, ...row } = hinted
    await db.updateTable('two_factor_authenticators').set(row).where('user_id', '=', 'ada').execute()
    if ((await send(steps)).statusCode === 200) accepted.push(steps)
  }
  t.same(accepted, [-1, 0, 1, 9])
})

t.test('the chance of a guesser is what docs/security.md says', async t => {
  const budget = 100
  const [right, hinted] = [3, 39]
  // Codes that a hint has excluded are not tried again: at most as many as there were guesses.
  const window = budget * right / (1e6 - budget)
  // Some guess gives a hint, and a later one is the code that goes with it.
  const pairs = budget * (budget - 1) / 2
  const resync = pairs * hinted / (1e6 - budget) / (1e6 - budget)
  const text = readFileSync(new URL('../docs/security.md', import.meta.url), 'utf8').replace(/\s+/g, ' ')
  t.match(text, `= ${(resync * 1e7).toFixed(1)} in 10^7, a ${Math.round(window / resync / 100) * 100}th of`)
  t.match(text, `: ${((window + resync) * 1e4).toFixed(4)} in 10^4 in all`)
})

t.test('of parallel submissions one is told of the clock, and one resyncs', async t => {
  const { app, clock, code, storage } = await build(t)
  const clients = await Promise.all(Array.from({ length: 15 }, () => signIn({ app, clock })))
  const all = (typed: string) => Promise.all(clients.map(async client => (await verify(client, typed)).json<object>()))
  const first = await all(code(6))
  t.equal(first.filter(body => 'clockOffset' in body).length, 1)
  for (const body of first) if (!('clockOffset' in body)) t.same(body, plain)
  await app.twoFactor.unlock('ada')
  clock.advance(30)
  const second = await all(code(6))
  t.equal(second.filter(body => 'verified' in body).length, 1)
  t.match(await authenticatorOf(storage), { drift: 6 })
})

t.test('a wrong code costs one statement, a right one two, and a hint two', async t => {
  const texts: string[] = []
  const counter: KyselyPlugin = {
    transformQuery ({ node }) {
      texts.push(node.kind)
      return node
    },
    transformResult: async ({ result }) => result
  }
  const storage = kyselyStorage((await openDatabase()).withPlugin(counter))
  const { clock, client, secret, send } = await build(t, { storage })
  const count = async (task: () => Promise<unknown>) => {
    texts.length = 0
    await task()
    return texts.length
  }
  t.equal(await count(() => verify(client, wrongCode(secret, clock))), 1)
  t.equal(await count(() => send(8)), 2, 'a hint')
  t.equal(await count(() => send(0)), 2, 'a right code')
  clock.advance(300)
  t.equal(await count(() => send(-10)), 1, 'that code, when its time is over')
  await send(17)
  clock.advance(30)
  t.equal(await count(() => send(17)), 2, 'a resync')
})

t.test('while a code of another time cannot be burnt, it is answered as any wrong one, and counted', async t => {
  let down = false
  const storage = kyselyStorage(await openDatabase())
  const { send } = await build(t, {
    storage: intercept(storage, method => { if (down && method === 'burnCode') throw new Error('down') })
  })
  down = true
  t.same((await send(5)).json(), plain)
  t.match(await storage.findStatus('ada'), { failedAttempts: 1, authenticators: [{ hint: null }] })
  down = false
  t.match((await send(5)).json(), { clockOffset: 150 })
})

t.test('the verdict of a remote verifier is final', async t => {
  const remote = { kind: 'remote', check: () => ({ right: false }) }
  const host = await buildHost(t, { verifier: remote })
  const secret = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
  await host.app.twoFactor.importSecret('ada', { secret, kind: 'remote' })
  t.same((await verify(await signIn(host), codeAt(secret, host.clock, 5))).json(), plain)
})

t.test('hints and resyncs are told as events, by the authenticator', async t => {
  const events: TwoFactorEvent[] = []
  const { clock, send, storage } = await build(t, { onEvent: event => { events.push(event) }, audit: true })
  const { id } = await authenticatorOf(storage)
  events.length = 0
  await send(-4)
  clock.advance(30)
  await send(-4)
  await new Promise(resolve => setImmediate(resolve))
  t.same(events.map(({ type, clockOffset, authenticatorId }) => [type, clockOffset, authenticatorId]).sort(), [
    ['clock-off', -120, id], ['failed', undefined, undefined], ['resynced', -120, id], ['verified', undefined, undefined]
  ])
})

t.test('the pages say it', async t => {
  const { client, code } = await build(t)
  const page = await client.form('/2fa/verify', { code: code(-6) })
  t.equal(page.statusCode, 401)
  t.match(page.body, /role="alert">The clock of your phone seems to be about 3 minutes behind\. Set its .* new code\.</)
})

t.test('a setup says it too, and is confirmed once the clock is right', async t => {
  const { app, clock } = await buildHost(t, { recoveryCodes: 5 })
  const client = await signIn({ app, clock })
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const confirm = (steps: number) => client.post('/2fa/setup/confirm', { code: codeAt(secret, clock, steps) })
  t.match((await confirm(4)).json(), { code: 'FST_2FA_INVALID_CODE', clockOffset: 120, message: /about 2 minutes ahead/ })
  t.same((await confirm(30)).json(), plain)
  t.equal((await confirm(0)).statusCode, 200)
})
