import { once } from 'node:events'
import { request as httpRequest, type ServerResponse } from 'node:http'
import { Writable } from 'node:stream'
import t, { type Test } from 'tap'
import {
  authenticatorApi, kyselyStorage, localVerifier, type AuthenticatorApiOptions, type TwoFactorEvent
} from '../../plugin/index.js'
import { startChecker } from '../helpers/checker.js'
import { openDatabase } from '../helpers/database.js'
import { startService } from '../helpers/hostile-service.js'
import { buildHost, codeAt, createClock, enrol, signIn, wrongCode, type HostOptions } from '../helpers/host.js'
import { HttpClient } from '../helpers/process.js'

function remote (url: string, options: Partial<AuthenticatorApiOptions> = {}) {
  return authenticatorApi({ url, allowHttp: true, timeout: 2000, breaker: { failures: 100 }, ...options })
}

async function setUp (t: Test, { api, ...options }: HostOptions & { api?: Partial<AuthenticatorApiOptions> } = {}) {
  const clock = createClock()
  const events: TwoFactorEvent[] = []
  const checker = await startChecker(t, { clock })
  const host = await buildHost(t, {
    clock, verifier: remote(checker.url, api), onEvent: event => { events.push(event) }, ...options
  })
  return { ...host, host, checker, events }
}

const invalid = { statusCode: 401, body: /FST_2FA_INVALID_CODE/ }
const unavailable = { statusCode: 503, headers: { 'retry-after': '5' }, body: /FST_2FA_UNAVAILABLE/ }

t.test('the whole way: set up, sign in, sign in again', async t => {
  const { host, app, clock, checker } = await setUp(t)
  const { secret, client } = await enrol(host)
  t.match(secret, /^[A-Z2-7]{52}$/, 'the Base32 of 32 characters')
  t.match((await client.get('/2fa')).json(), { authenticators: [{ kind: 'authenticator-api' }] })
  t.equal(checker.asked.length, 2, 'paired and validated')

  const other = await signIn(host)
  t.match(await other.post('/2fa/verify', { code: codeAt(secret, clock) }), invalid, 'the code of the setup is used')
  clock.advance(30)
  t.match(await other.post('/2fa/verify', { code: wrongCode(secret, clock) }), invalid)
  t.equal((await other.post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
  t.equal((await other.get('/dashboard')).statusCode, 200)
  t.equal(checker.asked.length, 5)

  await t.test('clocks that are off by up to five minutes', async t => {
    clock.advance(3600)
    t.match(await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock, 11) }), invalid)
    t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock, -10) })).statusCode, 200)
    t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock, 10) })).statusCode, 200)
    t.match(await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) }), invalid,
      'an earlier step after a later one')
  })

  await t.test('pages say nothing of the service, and load nothing from it', async t => {
    const visitor = await signIn(host, 'eve')
    const page = (await visitor.page('/2fa/setup')).body
    t.match(page, '<svg')
    t.notMatch(page, /authenticatorapi|qr\.aspx|<img|127\.0\.0\.1/i)
  })
  t.equal((await app.twoFactor.status('ada')).failedAttempts, 1)
})

t.test('A1: a service that says True to everything: each code is good once, for eleven minutes', async t => {
  const clock = createClock()
  const pairing = await startChecker(t, { clock })
  const service = await startService(t, async (response, { url = '' }) => {
    if (!url.startsWith('/pair')) return response.end('True')
    response.end(await (await fetch(pairing.url + url)).text())
  })
  const host = await buildHost(t, { clock, verifier: remote(service.url) })
  const ada = await signIn(host)
  const { secret } = (await ada.post('/2fa/setup')).json<{ secret: string }>()
  const never = wrongCode(secret, clock)
  t.equal((await ada.post('/2fa/setup/confirm', { code: never })).statusCode, 200)
  for (const seconds of [0, 240, 419]) {
    clock.advance(seconds)
    t.match(await (await signIn(host)).post('/2fa/verify', { code: never }), invalid, `the code of the setup, after ${seconds} more`)
    await host.app.twoFactor.unlock('ada')
  }
  clock.advance(1)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: never })).statusCode, 200, 'then it is another code')
  t.match(await (await signIn(host)).post('/2fa/verify', { code: never }), invalid)

  await t.test('C1: of 100 at once, one is let in', async t => {
    clock.advance(3600)
    // The lock is not what this is about.
    const clients = await Promise.all(Array.from({ length: 4 }, () => signIn(host)))
    const answers = await Promise.all(clients.map(client => client.post('/2fa/verify', { code: '424242' })))
    t.same(answers.map(({ statusCode }) => statusCode).sort(), [200, 401, 401, 401])
  })
})

t.test('A2: a service out of reach lets nobody in, uses up no code and counts no attempt', async t => {
  const { host, app, clock, checker, events } = await setUp(t)
  const { secret } = await enrol(host)
  clock.advance(30)
  const client = await signIn(host)
  await checker.stop()
  const code = codeAt(secret, clock)
  for (let i = 0; i < 8; i++) t.match(await client.post('/2fa/verify', { code }), unavailable)
  t.match(await client.form('/2fa/verify', { code }), { statusCode: 503, body: /Try again in a moment/ })
  t.equal((await client.get('/dashboard')).statusCode, 403)
  t.match(await app.twoFactor.status('ada'), { failedAttempts: 0, lockedUntil: null })
  t.match(events.at(-1), { type: 'verifier-unavailable', verifier: 'authenticator-api', userId: 'ada' })
  t.notOk(events.some(({ type }) => type === 'failed'))

  await t.test('nothing is shown that could not be checked', async t => {
    const visitor = await signIn(host, 'eve')
    t.match(await visitor.post('/2fa/setup'), unavailable)
    t.match(await visitor.page('/2fa/setup'), { statusCode: 503, headers: { 'retry-after': '5' } })
  })

  await t.test('200 at once all end', async t => {
    const answers = await Promise.all(Array.from({ length: 200 }, () => client.post('/2fa/verify', { code })))
    t.ok(answers.every(({ statusCode }) => statusCode === 503 || statusCode === 429))
    t.equal((await app.twoFactor.status('ada')).failedAttempts, 0)
  })
})

t.test('A2: what is no code never reaches the service', async t => {
  const { host, checker } = await setUp(t)
  await enrol(host)
  const client = await signIn(host)
  const before = checker.asked.length
  for (const code of ['1&SecretCode=X', '123456&Pin=1', '12345', '123456#', 'True', ' ', '%31%32%33456', '123456\n&']) {
    t.equal((await client.post('/2fa/verify', { code })).statusCode, 400, code)
  }
  t.equal(checker.asked.length, before)
})

t.test('A3: a locked account makes no call', async t => {
  const { host, clock, checker } = await setUp(t)
  const { secret } = await enrol(host)
  clock.advance(30)
  const client = await signIn(host)
  for (let i = 0; i < 5; i++) t.match(await client.post('/2fa/verify', { code: wrongCode(secret, clock) }), invalid)
  const before = checker.asked.length
  t.match(await client.post('/2fa/verify', { code: codeAt(secret, clock) }), { statusCode: 429 })
  t.equal(checker.asked.length, before)
})

t.test('A4: the log has no query, no secret and no code, whatever fails', async t => {
  let log = ''
  const stream = new Writable({ write (chunk, _encoding, done) { log += String(chunk); done() } })
  const { host, clock, checker } = await setUp(t, { server: { logger: { level: 'trace', stream } } })
  const { secret } = await enrol(host)
  clock.advance(30)
  const client = await signIn(host)
  // Not one of zeros alone, which any number of the log may have.
  const near = [-10, 10].flatMap(end => Array.from({ length: 11 }, (_, i) => codeAt(secret, clock, Math.sign(end) * i)))
  const wrong = ['918273', '827364', '736455'].find(code => !near.includes(code)) ?? ''
  const codes = [codeAt(secret, clock), wrong]
  t.match(await client.post('/2fa/verify', { code: wrong }), invalid)
  await checker.stop()
  await client.post('/2fa/verify', { code: codes[0] ?? '' })
  await client.post('/2fa/setup')
  t.match(log, /gave no answer \(ECONNREFUSED\)/, 'the developer is told')
  const secretCode = checker.asked[0]?.split('SecretCode=')[1] ?? 'none'
  t.equal(secretCode.length, 32)
  for (const text of [secret, secretCode, ...codes, 'SecretCode=', 'Pin=']) t.notOk(log.includes(text), text)
})

t.test('fallback: without the service, codes are checked here, and an event says so', async t => {
  const { host, clock, checker, events } = await setUp(t, { api: { fallback: 'local' } })
  const { secret } = await enrol(host)
  await checker.stop()
  clock.advance(30)
  const code = codeAt(secret, clock)
  const client = await signIn(host)
  t.match(await client.post('/2fa/verify', { code: wrongCode(secret, clock) }), invalid)
  t.equal((await client.post('/2fa/verify', { code })).statusCode, 200)
  t.match(events.filter(({ type }) => type === 'fallback-used'), [{ verifier: 'authenticator-api', userId: 'ada' }, {}])
  t.match(await (await signIn(host)).post('/2fa/verify', { code }), invalid)
  await enrol(host, 'eve')
})

t.test('a user of both kinds: each authenticator is asked where it belongs', async t => {
  const { host, app, clock, checker } = await setUp(t)
  const { secret } = await enrol(host)
  const local = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
  t.equal(await app.twoFactor.importSecret('ada', { secret: local, name: 'Old phone' }), true)
  clock.advance(30)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(local, clock) })).statusCode, 200)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)

  await t.test('without the service, the local one still works', async t => {
    await checker.stop()
    clock.advance(30)
    t.match(await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) }), unavailable)
    t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(local, clock) })).statusCode, 200)
  })
})

t.test('from remote to local and back: the app of the user keeps working', async t => {
  const { host, app, clock, checker, events } = await setUp(t)
  const { secret } = await enrol(host)
  clock.advance(30)
  const code = codeAt(secret, clock)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code })).statusCode, 200)

  t.equal(await app.twoFactor.switchVerifier('ada', 'local'), 1)
  t.equal(await app.twoFactor.switchVerifier('ada', 'local'), 0, 'it can be run again')
  t.match(events.at(-1), { type: 'verifier-switched', userId: 'ada', verifier: 'local' })
  const before = checker.asked.length
  t.match(await (await signIn(host)).post('/2fa/verify', { code }), invalid, 'what was used there is used here')
  clock.advance(30)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
  t.equal(checker.asked.length, before)

  t.equal(await app.twoFactor.switchVerifier('ada', 'authenticator-api'), 1)
  t.match(await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) }), invalid)
  clock.advance(30)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)

  t.equal(await app.twoFactor.switchVerifier('nobody', 'local'), 0)
  await t.rejects(app.twoFactor.switchVerifier('ada', 'pigeon'), { code: 'FST_2FA_BAD_OPTION', message: /"pigeon"/ })
  await app.twoFactor.importSecret('bob', { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' })
  await t.rejects(app.twoFactor.switchVerifier('bob', 'authenticator-api'), { code: 'FST_2FA_BAD_SECRET', message: /ASCII/ })
})

t.test('a user of the service is taken over, and goes on being checked there', async t => {
  const { host, app, clock, checker } = await setUp(t)
  const user = { secret: '12345678BXYT', encoding: 'ascii', kind: 'authenticator-api' } as const
  t.equal(await app.twoFactor.importSecret('ada', user), true)
  t.same(checker.asked, [], 'the service knows no users')
  const code = codeAt('GEZDGNBVGY3TQQSYLFKA', clock)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code })).statusCode, 200)
  t.equal(checker.asked[0], `/Validate.aspx?Pin=${code}&SecretCode=12345678BXYT`)

  await t.rejects(app.twoFactor.importSecret('eve', { ...user, encoding: 'hex', secret: 'ff'.repeat(20) }), {
    code: 'FST_2FA_BAD_SECRET', message: /ASCII/
  })
  await t.rejects(app.twoFactor.importSecret('eve', { ...user, period: 60 }), { code: 'FST_2FA_BAD_SECRET' })
})

t.test('a host that goes local: old enrolments wait for their verifier, and say what to do', async t => {
  const clock = createClock()
  const checker = await startChecker(t, { clock })
  const storage = kyselyStorage(await openDatabase())
  const before = await buildHost(t, { clock, storage, verifier: remote(checker.url) })
  const { secret } = await enrol(before)
  clock.advance(30)

  let log = ''
  const stream = new Writable({ write (chunk, _encoding, done) { log += String(chunk); done() } })
  const after = await buildHost(t, { clock, storage, server: { logger: { level: 'error', stream } } })
  t.match(await (await signIn(after)).post('/2fa/verify', { code: codeAt(secret, clock) }), unavailable)
  t.match(log, /app\.twoFactor\.switchVerifier/)

  const both = await buildHost(t, { clock, storage, verifier: [localVerifier(), remote(checker.url)] })
  t.equal((await (await signIn(both)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
  const eve = await enrol(both, 'eve')
  t.match((await eve.client.get('/2fa')).json(), { authenticators: [{ kind: 'local' }] }, 'the first one takes new ones')

  await after.app.twoFactor.switchVerifier('ada', 'local')
  clock.advance(30)
  t.equal((await (await signIn(after)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
})

t.test('a client that leaves before the verdict has had its attempt', async t => {
  const clock = createClock()
  const checker = await startChecker(t, { clock })
  let hang: ((response: ServerResponse) => void) | undefined
  const service = await startService(t, async (response, { url = '' }) => {
    if (hang) return hang(response)
    response.end(await (await fetch(checker.url + url)).text())
  })
  const events: TwoFactorEvent[] = []
  const host = await buildHost(t, {
    clock, verifier: remote(service.url, { timeout: 60_000 }), onEvent: event => { events.push(event) }
  })
  await enrol(host)
  const origin = await host.app.listen({ host: '127.0.0.1', port: 0 })
  const client = new HttpClient(origin)
  await client.post('/login/ada')
  const asked = new Promise<ServerResponse>(resolve => { hang = resolve })
  const body = JSON.stringify({ code: '000000' })
  const request = httpRequest(`${origin}/2fa/verify`, {
    method: 'POST', headers: { cookie: client.cookie, 'content-type': 'application/json', 'content-length': body.length }
  })
  request.on('error', () => {}).end(body)
  const response = await asked
  request.destroy()
  await once(response, 'close')
  t.equal((await host.app.twoFactor.status('ada')).failedAttempts, 1)
  t.notOk(events.some(({ type }) => type === 'verifier-unavailable'))
})
