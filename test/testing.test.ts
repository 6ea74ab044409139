import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import twoFactor, { bearerProof, kyselyStorage, type TwoFactorOptions } from 'fastify-authenticator-2fa'
import { codeAt, createTestClient, createTestClock, createTestPhone, wrongCodeAt } from 'fastify-authenticator-2fa/testing'
import fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { Secret, TOTP, URI } from 'otpauth'
import t, { type Test } from 'tap'
import { load } from './docs/snippets.js'
import { openDatabase } from './helpers/database.js'

const clock = createTestClock()

/** A host as its own tests would build it. */
async function build (t: Pick<Test, 'teardown'>, options: Partial<TwoFactorOptions> = {}) {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cookie)
  await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false })
  await app.register(twoFactor, {
    issuer: 'Acme',
    encryptionKeys: [randomBytes(32).toString('base64')],
    storage: kyselyStorage(await openDatabase()),
    getUser: request => request.session.user ?? null,
    recoveryCodes: 5,
    clock,
    ...options
  })
  app.post<{ Body: { name: string } }>('/login', async request => {
    const { name } = request.body
    request.session.user = { id: name, label: name }
    return {}
  })
  app.post('/logout', async request => {
    await request.session.destroy()
    return {}
  })
  app.get('/dashboard', { config: { twoFactor: 'required' } }, async () => ({ dashboard: true }))
  return app
}

const login = { method: 'POST', url: '/login', payload: { name: 'ada' } } as const

t.test('a host\'s test enrols a user, signs in anew and passes, in a few lines', async t => {
  const app = await build(t)
  const ada = createTestClient(app, { clock })
  await ada.inject(login)
  t.equal((await ada.inject('/dashboard')).statusCode, 403)
  const { phone, recoveryCodes, secret, uri } = await ada.enrol('Phone')
  t.equal((await ada.inject('/dashboard')).statusCode, 200)
  t.equal(recoveryCodes.length, 5)
  t.match((await ada.inject('/2fa')).json(), { authenticators: [{ name: 'Phone' }] })
  t.match(URI.parse(uri), { secret: Secret.fromBase32(secret), issuer: 'Acme' })

  const second = createTestClient(app, { clock })
  await second.inject(login)
  t.equal((await second.inject('/dashboard')).statusCode, 403)
  await second.pass(phone)
  t.match((await second.inject('/dashboard')).json(), { dashboard: true })
  t.throws(() => phone.code(), /Move the clock on by 30 seconds/)

  clock.advance(30)
  const third = createTestClient(app, { clock })
  await third.inject(login)
  await t.rejects(third.pass(wrongCodeAt(secret, clock)), /POST \/2fa\/verify answered 401: .*FST_2FA_INVALID_CODE/)
  await third.pass(phone)
  await t.rejects(createTestClient(app, { clock }).enrol(), /POST \/2fa\/setup answered 401/, 'nobody is signed in')

  const further = await third.enrol()
  t.same(further.recoveryCodes, [])
  clock.advance(30)
  await second.pass(further.phone)
})

t.test('the test on the page runs as it stands', async t => {
  const { testDashboard } = await load<{ testDashboard: (build: (given: Partial<TwoFactorOptions>) => unknown) => Promise<void> }>('testing-host')
  await t.resolves(testDashboard(given => build(t, { ...given, recoveryCodes: 10 })))
})

t.test('a client keeps its cookies as long as they are good', async t => {
  const app = await build(t)
  app.get('/cookies', async request => Object.keys(request.cookies))
  app.get('/set', async (_request, reply) => reply.setCookie('one', '1').setCookie('two', '2', { maxAge: 60 }).send({}))
  app.get('/clear', async (_request, reply) => reply.clearCookie('one').setCookie('two', '', { maxAge: 0 }).send({}))
  const client = createTestClient(app)
  await client.inject('/set')
  t.same((await client.inject('/cookies')).json(), ['one', 'two'])
  t.same((await client.inject({ url: '/cookies', cookies: { three: '3' } })).json(), ['one', 'two', 'three'])
  await client.inject('/clear')
  t.same((await client.inject('/cookies')).json(), [])
})

t.test('a client of bearer tokens keeps its proof', async t => {
  const app = await build(t, {
    prefix: '/account/2fa',
    proof: bearerProof({ header: 'X-Proof' }),
    getUser: ({ headers }) => headers.authorization?.startsWith('Bearer ada') ? { id: 'ada', label: 'ada' } : null
  })
  const options = { clock, prefix: '/account/2fa', proofHeader: 'x-proof' }
  const ada = createTestClient(app, { ...options, headers: { authorization: 'Bearer ada-1' } })
  const { phone } = await ada.enrol()
  t.equal((await ada.inject('/dashboard')).statusCode, 200)
  const other = createTestClient(app, { ...options, headers: { authorization: 'Bearer ada-2' } })
  t.equal((await other.inject('/dashboard')).statusCode, 403)
  await other.pass(phone)
  t.equal((await other.inject('/dashboard')).statusCode, 200)
})

t.test('the clock stands still until it is moved', async t => {
  const clock = createTestClock()
  t.equal(clock(), Date.parse('2026-01-01T00:00:00Z'))
  clock.advance(1.5)
  t.equal(clock(), Date.parse('2026-01-01T00:00:01.500Z'))
  clock.advance(-2.5)
  t.equal(clock(), Date.parse('2025-12-31T23:59:59Z'))
  for (const moment of ['2027-06-01T00:00:00Z', new Date('2027-06-01T00:00:00Z'), Date.parse('2027-06-01T00:00:00Z')]) {
    clock.set(moment)
    t.equal(clock(), Date.parse('2027-06-01T00:00:00Z'))
    t.equal(createTestClock(moment)(), clock())
  }
  t.throws(() => createTestClock('yesterday'), RangeError)
  t.throws(() => clock.advance(NaN), RangeError)
  t.equal(clock(), Date.parse('2027-06-01T00:00:00Z'), 'it stays where it was')
})

const codes = fc.record({
  secret: fc.uint8Array({ minLength: 1, maxLength: 64 })
    .map(bytes => new Secret({ buffer: bytes.slice().buffer }).base32),
  algorithm: fc.constantFrom('SHA1' as const, 'SHA256' as const, 'SHA512' as const),
  digits: fc.integer({ min: 6, max: 8 }),
  period: fc.integer({ min: 15, max: 120 }),
  now: fc.integer({ min: 1_000_000_000, max: 4e12 }),
  steps: fc.integer({ min: -3, max: 3 })
})

t.test('codes are those of another library, of a secret and of an otpauth: URI', async () => {
  fc.assert(fc.property(codes, ({ secret, algorithm, digits, period, now, steps }) => {
    const totp = new TOTP({ secret, algorithm, digits, period, issuer: 'Acme', label: 'ada' })
    const expected = totp.generate({ timestamp: now + steps * period * 1000 })
    const options = { algorithm, digits, period, steps }
    const written = [
      codeAt(secret, now, options), codeAt(` ${secret.toLowerCase()} `, () => now, options),
      codeAt(totp.toString(), new Date(now), { steps })
    ]
    return written.every(code => code === expected)
  }))
})

t.test('a phone shows each code once, as long as there is one that counts', async () => {
  fc.assert(fc.property(codes, ({ secret, algorithm, digits, period, now }) => {
    const totp = new TOTP({ secret, algorithm, digits, period })
    let time = now
    const phone = createTestPhone(totp.toString(), () => time)
    const at = (steps: number) => totp.generate({ timestamp: time + steps * period * 1000 })
    const both = phone.code() === at(0) && phone.code() === at(1)
    let refused = false
    try { phone.code() } catch (error) { refused = error instanceof RangeError }
    time += period * 1000
    const next = phone.code() === at(1)
    time += 10 * period * 1000
    return both && refused && next && phone.code() === at(0)
  }))
})

t.test('a wrong code is right at no time near by', async () => {
  fc.assert(fc.property(codes, ({ secret, algorithm, digits, period, now }) => {
    const code = wrongCodeAt(secret, now, { algorithm, digits, period })
    const totp = new TOTP({ secret, algorithm, digits, period })
    const near = totp.validate({ token: code, timestamp: now, window: Math.ceil(600 / period) + 1 })
    return code.length === digits && near === null
  }), { numRuns: 30 })
})

t.test('what is no secret is refused', async t => {
  for (const source of ['', ' ', '1', 'A', 'GEZDGNBVGY3TQOJ!', 'otpauth://totp/Acme:ada', 'otpauth://totp/a?secret=GEZDGNBV&algorithm=MD5']) {
    t.throws(() => codeAt(source, 0), TypeError, source)
  }
})
