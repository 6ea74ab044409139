import cookie from '@fastify/cookie'
import session from '@fastify/session'
import fc from 'fast-check'
import Fastify, { type InjectOptions, type LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import twoFactor, { kyselyStorage, type AuthenticatorInfo, type TwoFactorEvent } from '../plugin/index.js'
import { compose } from '../plugin/composition.js'
import { resolveOptions } from '../plugin/options.js'
import { createKeyRing } from '../plugin/secrets/key-ring.js'
import type { TwoFactorService } from '../plugin/service.js'
import { openDatabase } from './helpers/database.js'
import {
  buildHost as buildWith, Client, codeAt, createClock, encryptionKeys, enrol, enrolByImport, intercept, signIn,
  wrongCode, type Host, type HostOptions
} from './helpers/host.js'

async function buildHost (t: Test, options: HostOptions = {}) {
  const storage = kyselyStorage(await openDatabase())
  return { storage, ...await buildWith(t, { recoveryCodes: 5, storage, ...options }) }
}

/** Adds one to those of a client that has passed lately. */
async function add ({ clock }: Pick<Host, 'clock'>, client: Client, name: string): Promise<string> {
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const confirmed = await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock), name })
  if (confirmed.statusCode !== 200) throw new Error(confirmed.body)
  return secret
}

async function list (client: Client): Promise<AuthenticatorInfo[]> {
  return (await client.get('/2fa/authenticators')).json<{ authenticators: AuthenticatorInfo[] }>().authenticators
}

const idOf = async (client: Client, name: string) => (await list(client)).find(other => other.name === name)?.id ?? ''
const namesOf = async (client: Client) => (await list(client)).map(({ name }) => name)

const rename = (client: Client, id: string, name: unknown) =>
  client.request({ method: 'PATCH', url: `/2fa/authenticators/${id}`, payload: { name } })
const remove = (client: Client, id: string) => client.request({ method: 'DELETE', url: `/2fa/authenticators/${id}` })

const required = { statusCode: 403, code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' }
const unknown = { statusCode: 404, code: 'FST_2FA_UNKNOWN_AUTHENTICATOR', error: 'Not Found', message: 'You have no such authenticator' }

/** A user with a phone and a tablet. */
async function buildTwo (t: Test, options: HostOptions = {}, enrolUser: typeof enrolByImport = enrolByImport) {
  const host = await buildHost(t, options)
  const enrolled = await enrolUser(host)
  const { client } = enrolled
  await rename(client, await idOf(client, 'Authenticator app'), 'Phone')
  host.clock.advance(30)
  const tablet = await add(host, client, 'Tablet')
  return { ...host, ...enrolled, tablet, ids: { phone: await idOf(client, 'Phone'), tablet: await idOf(client, 'Tablet') } }
}

const works = async (host: Host, secret: string, user = 'ada') =>
  (await (await signIn(host, user)).post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode === 200

t.test('authenticators are listed with when they were added and last used, renamed and removed, each for itself', async t => {
  const host = await buildTwo(t, {}, enrol)
  const { client, clock, secret, tablet, ids } = host
  t.strictSame((await client.get('/2fa/authenticators')).json(), {
    authenticators: [
      { id: ids.phone, kind: 'local', name: 'Phone', digits: 6, createdAt: '2026-01-01T00:00:00.000Z', lastUsedAt: '2026-01-01T00:00:00.000Z' },
      { id: ids.tablet, kind: 'local', name: 'Tablet', digits: 6, createdAt: '2026-01-01T00:00:30.000Z', lastUsedAt: '2026-01-01T00:00:30.000Z' }
    ]
  })
  clock.advance(60)
  t.equal(await works(host, secret), true)
  t.strictSame((await list(client)).map(({ lastUsedAt }) => lastUsedAt), ['2026-01-01T00:01:30.000Z', '2026-01-01T00:00:30.000Z'])

  t.match((await rename(client, ids.tablet, '  Kitchen tablet ')).json(), { id: ids.tablet, name: 'Kitchen tablet', lastUsedAt: '2026-01-01T00:00:30.000Z' })
  t.strictSame(await namesOf(client), ['Phone', 'Kitchen tablet'])

  t.strictSame((await remove(client, ids.phone)).json(), { removed: true, enabled: true })
  t.strictSame(await namesOf(client), ['Kitchen tablet'])
  clock.advance(30)
  t.equal(await works(host, secret), false, 'its codes are worth nothing')
  t.equal(await works(host, tablet), true, 'those of the other are')
  t.match((await client.get('/2fa')).json(), { enabled: true, recoveryCodesLeft: 5 })
  t.match((await remove(client, ids.phone)).json(), unknown, 'it is gone')
})

t.test('a removal ends the passes of every other client, and leaves that of the one who does it', async t => {
  const host = await buildTwo(t, { revalidate: 0 })
  const { client, clock, secret, ids } = host
  clock.advance(30)
  const other = await signIn(host)
  await other.post('/2fa/verify', { code: codeAt(secret, clock) })
  t.equal((await other.get('/admin')).statusCode, 200)
  t.equal((await remove(client, ids.phone)).statusCode, 200)
  t.match((await other.get('/admin')).json(), required)
  t.equal((await client.get('/admin')).statusCode, 200)
  t.equal((await client.post('/transfer')).statusCode, 200, 'and it is as fresh as it was')
  clock.advance(301)
  t.equal((await client.post('/transfer')).statusCode, 403, 'and no fresher')
})

t.test('S8 listing and renaming need a pass, removing a fresh one; the password alone reaches nothing', async t => {
  const host = await buildTwo(t)
  const { client, clock, secret, ids } = host
  const requests: InjectOptions[] = [
    { method: 'GET', url: '/2fa/authenticators' },
    { method: 'PATCH', url: `/2fa/authenticators/${ids.phone}`, payload: { name: 'Mine' } },
    { method: 'POST', url: `/2fa/authenticators/${ids.phone}/rename`, payload: { name: 'Mine' } },
    { method: 'GET', url: `/2fa/authenticators/${ids.phone}/remove` },
    { method: 'DELETE', url: `/2fa/authenticators/${ids.phone}` },
    { method: 'POST', url: `/2fa/authenticators/${ids.phone}/remove` }
  ]
  const password = await signIn(host)
  for (const request of requests) {
    t.match((await password.request(request)).json(), required, `${request.method} ${request.url}`)
    t.match((await new Client(host.app).request(request)).json(), { statusCode: 401, code: 'FST_2FA_UNAUTHENTICATED' })
  }
  t.match((await password.get('/2fa/authenticators/x/remove')).json(), required, 'nor does it learn which ids there are')

  clock.advance(301)
  t.equal((await rename(client, ids.phone, 'Old phone')).statusCode, 200)
  t.strictSame(await namesOf(client), ['Old phone', 'Tablet'])
  for (const request of requests.slice(3)) t.match((await client.request(request)).json(), required, 'a pass that is too old')
  t.match((await remove(client, 'x')).json(), required, 'also for an id that does not exist')
  t.strictSame(await namesOf(client), ['Old phone', 'Tablet'])

  await client.post('/2fa/verify', { code: codeAt(secret, clock) })
  t.strictSame((await client.get(`/2fa/authenticators/${ids.phone}/remove`)).json(), {
    authenticator: (await list(client))[0], last: false
  })
  t.equal((await remove(client, ids.phone)).statusCode, 200)
})

t.test('S8 an authenticator of somebody else is answered as one that does not exist, and stays as it is', async t => {
  const host = await buildTwo(t)
  const eve = await enrolByImport(host, 'eve')
  const answersOf = async (id: string) => [
    await rename(eve.client, id, 'Hers'), await eve.client.post(`/2fa/authenticators/${id}/rename`, { name: 'Hers' }),
    await remove(eve.client, id), await eve.client.post(`/2fa/authenticators/${id}/remove`), await eve.client.get(`/2fa/authenticators/${id}/remove`)
  ]
  const invented = await answersOf('11111111-1111-4111-8111-111111111111')
  for (const [index, answer] of (await answersOf(host.ids.phone)).entries()) {
    t.strictSame(answer.json(), unknown)
    t.equal(answer.body, invented[index]?.body)
  }
  t.strictSame(await namesOf(host.client), ['Phone', 'Tablet'])
  t.equal((await list(eve.client)).length, 1)
  t.equal((await host.client.get('/admin')).statusCode, 200, 'nobody was signed out')
})

t.test('without the last authenticator two-factor authentication is off, and old sessions are asked again if it comes back', async t => {
  const host = await buildHost(t, { revalidate: 0 })
  const { client, recoveryCodes } = await enrol(host)
  const id = await idOf(client, 'Authenticator app')
  t.match((await client.get(`/2fa/authenticators/${id}/remove`)).json(), { last: true })
  t.strictSame((await remove(client, id)).json(), { removed: true, enabled: false })
  t.match((await client.get('/2fa')).json(), { enabled: false, verified: false, authenticators: [] })
  t.strictSame(await list(client), [])
  t.equal((await client.get('/dashboard')).statusCode, 200)
  t.match((await client.get('/admin')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
  t.match((await remove(client, id)).json(), { statusCode: 409, code: 'FST_2FA_NOT_ENABLED' })
  t.match((await rename(client, id, 'x')).json(), unknown)
  t.equal((await client.post('/2fa/recover', { code: recoveryCodes[0] ?? '' })).statusCode, 401)

  await enrol(host)
  t.match((await client.get('/dashboard')).json(), required)
})

t.test('names are 1 to 64 characters without control characters, ids at most 64: anything else is 400 and changes nothing', async t => {
  const { client, ids } = await buildTwo(t)
  for (const name of ['', '   ', '\u3000', 'x'.repeat(65), 'a\u0000b', 'a\nb', '\u007f', 1, null, ['x'], {}, true, undefined]) {
    for (const answer of [await rename(client, ids.phone, name), await client.post(`/2fa/authenticators/${ids.phone}/rename`, { name })]) {
      t.match(answer.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION' }, JSON.stringify(name))
    }
  }
  t.equal((await rename(client, ids.phone, 'x'.repeat(65))).json<{ message: string }>().message, 'That is not a name. Enter up to 64 characters')
  t.equal((await client.request({ method: 'PATCH', url: `/2fa/authenticators/${ids.phone}`, payload: { name: 'x', id: 'y' } })).statusCode, 400)
  t.equal((await remove(client, 'x'.repeat(65))).statusCode, 400)
  t.equal((await remove(client, '%00')).statusCode, 400)
  t.equal((await remove(client, '%zz')).statusCode, 400)
  t.match((await remove(client, encodeURIComponent("' OR 1=1 --"))).json(), unknown)
  t.match((await remove(client, encodeURIComponent('../setup'))).json(), unknown)
  t.strictSame(await namesOf(client), ['Phone', 'Tablet'])

  for (const name of ['x'.repeat(64), '日本'.repeat(16), '<b>"&\'', "'; drop table two_factor_users; --"]) {
    t.equal((await rename(client, ids.phone, name)).json<AuthenticatorInfo>().name, name)
  }
})

t.test('whatever a name is, it is kept as it is or refused, and the page stays whole', async t => {
  const { client, ids } = await buildTwo(t, { rateLimit: false })
  let kept = 0
  await fc.assert(fc.asyncProperty(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 70 }), fc.string({ unit: 'binary', maxLength: 70 }),
    fc.array(fc.constantFrom('<', '>', '"', "'", '&', '/', '</dl>', '=', ' '), { maxLength: 30 }).map(parts => parts.join(''))), async name => {
    const { statusCode } = await rename(client, ids.phone, name)
    // eslint-disable-next-line no-control-regex
    const fits = name.trim() !== '' && [...name].length <= 64 && !/[\u0000-\u001f\u007f]/.test(name)
    if (statusCode !== (fits ? 200 : 400)) throw new Error(`${statusCode} for ${JSON.stringify(name)}`)
    if (!fits) return
    kept++
    const [phone] = await list(client)
    const [, body = ''] = (await client.page('/2fa')).body.split('<main>')
    return phone?.name === name.trim().replace(/\p{Surrogate}/gu, '\ufffd') && body.split('<dt>').length === 3 &&
      body.split('<form').length === 5 && body.split('<').length === body.split('>').length
  }), { numRuns: 150 })
  t.ok(kept > 30, `${kept} were kept`)
})

t.test('W5 other sites rename and remove nothing', async t => {
  const { client, ids } = await buildTwo(t)
  for (const [method, path] of [['PATCH', ''], ['DELETE', ''], ['POST', '/rename'], ['POST', '/remove']] as const) {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }]) {
      const answer = await client.request({ method, url: `/2fa/authenticators/${ids.phone}${path}`, payload: { name: 'x' }, headers })
      t.match(answer.json(), { statusCode: 403, code: 'FST_2FA_CROSS_ORIGIN' })
    }
  }
  t.strictSame(await namesOf(client), ['Phone', 'Tablet'])
})

t.test('a new one can be added in place of one that was removed', async t => {
  const host = await buildTwo(t, { maxAuthenticators: 2 })
  const { client, ids } = host
  await t.rejects(add(host, client, 'Watch'), /FST_2FA_AUTHENTICATOR_LIMIT/)
  await remove(client, ids.phone)
  host.clock.advance(30)
  await add(host, client, 'Watch')
  t.strictSame(await namesOf(client), ['Tablet', 'Watch'])
})

t.test('a removal lifts no lock and forgets no wrong code', async t => {
  const host = await buildTwo(t)
  const { client, clock, secret, ids } = host
  const guesser = await signIn(host)
  for (let count = 0; count < 5; count++) await guesser.post('/2fa/verify', { code: wrongCode(secret, clock) })
  t.equal((await remove(client, ids.tablet)).statusCode, 200)
  t.match(await host.app.twoFactor.status('ada'), { failedAttempts: 5, lockedUntil: new Date(clock() + 60_000) })
})

t.test('events tell which authenticator it was, and once the last one goes that two-factor authentication is off', async t => {
  const events: TwoFactorEvent[] = []
  const host = await buildTwo(t, { onEvent: event => { events.push(event) } }, enrol)
  const { client, ids } = host
  t.match(events.filter(({ type }) => type === 'setup-confirmed'), [{ authenticatorId: ids.phone }, { authenticatorId: ids.tablet }])
  events.length = 0
  await rename(client, ids.tablet, 'Kitchen')
  await rename(client, 'x', 'Kitchen')
  await remove(client, 'x')
  await remove(client, ids.phone)
  await remove(client, ids.tablet)
  t.match(events, [
    { type: 'authenticator-renamed', authenticatorId: ids.tablet, userId: 'ada', ip: '127.0.0.1', at: new Date(host.clock()) },
    { type: 'authenticator-removed', authenticatorId: ids.phone, userId: 'ada', ip: '127.0.0.1' },
    { type: 'authenticator-removed', authenticatorId: ids.tablet },
    { type: 'disabled', userId: 'ada', ip: '127.0.0.1' }
  ])
  t.equal(events.length, 4)
  for (const secret of [host.secret, host.tablet, 'Kitchen']) t.notOk(JSON.stringify(events).includes(secret))
})

t.test('a user who must keep two-factor authentication keeps the last authenticator, and can neither remove nor disable it', async t => {
  const host = await buildTwo(t, {}, enrol)
  const { ids, secret } = host
  const service = serviceOf(host)
  const subject = { userId: 'ada' }
  t.strictSame(await service.removeAuthenticator(subject, ids.tablet, { mayDisable: false }), { enabled: true }, 'others may go')
  const last = { code: 'FST_2FA_LAST_AUTHENTICATOR', statusCode: 409 }
  await t.rejects(service.removeAuthenticator(subject, ids.phone, { mayDisable: false }), last)
  await t.rejects(service.removeAuthenticator(subject, ids.tablet, { mayDisable: false }), { code: 'FST_2FA_UNKNOWN_AUTHENTICATOR' })
  host.clock.advance(30)
  await t.rejects(service.disable(subject, codeAt(secret, host.clock), false), last)
  t.match(await host.storage.findStatus('ada'), { authenticators: [{ id: ids.phone }], failedAttempts: 0, recoveryCodesLeft: 5 })
  t.equal(await works(host, secret), true, 'its code was not used up')
  t.strictSame(await service.removeAuthenticator(subject, ids.phone), { enabled: false })
})

/** The use cases under a host's request. */
function serviceOf ({ storage, clock }: Awaited<ReturnType<typeof buildHost>>): TwoFactorService {
  const options = resolveOptions({ issuer: 'Acme', storage, encryptionKeys, getUser: () => null, clock })
  return compose(options, createKeyRing(encryptionKeys), () => {}).service
}

t.test('a person manages authenticators by forms alone', async t => {
  const host = await buildTwo(t)
  const { client, clock, ids } = host
  const phone = `/2fa/authenticators/${ids.phone}`
  const settings = await client.page('/2fa')
  // eslint-disable-next-line @stylistic/max-len
  t.match(settings.body, /<dt><bdi>Phone<\/bdi><\/dt>\s*<dd>last used <time datetime="2026-01-01T00:00:00.000Z" data-date>January 1, 2026<\/time>/)
  t.equal(settings.body.match(/ · added <time datetime="2026-01-01T/g)?.length, 2)
  t.ok(settings.body.includes(`<form method="post" action="${phone}/rename">`))
  t.ok(settings.body.includes(`<a href="${phone}/remove" aria-label="Remove Phone">`))
  t.equal((await client.page('/2fa/authenticators')).headers.location, '/2fa/')

  t.match((await client.form(`${phone}/rename`, { name: 'Old phone' })), { statusCode: 303, headers: { location: '/2fa/' } })
  const refused = await client.form(`${phone}/rename`, { name: ' ' })
  t.equal(refused.statusCode, 400)
  t.match(refused.body, /role="alert">That is not a name\. Enter up to 64 characters\.</)
  t.match(fieldOf(refused, `name-${ids.phone}`), /aria-invalid="true" aria-describedby="problem"/, 'at the field that it is about')
  for (const id of [`name-${ids.tablet}`, 'code']) t.notMatch(fieldOf(refused, id), /aria-invalid/)
  t.match(refused.body, /<details open>/)

  const before = await client.page(`${phone}/remove`)
  t.match(before.headers, { 'cache-control': 'no-store', 'x-frame-options': 'DENY', 'content-security-policy': /^default-src 'none'/ })
  t.match(before.body, /<h1>Remove this authenticator\?<\/h1>/)
  t.match(before.body, /Codes of Old phone will not be taken any more/)
  t.ok(before.body.includes(`<form method="post" action="${phone}/remove">`))
  t.strictSame(await namesOf(client), ['Old phone', 'Tablet'], 'a look changes nothing')
  t.match((await client.form(`${phone}/remove`)), { statusCode: 303, headers: { location: '/2fa/' } })
  t.strictSame(await namesOf(client), ['Tablet'])
  const again = await client.form(`${phone}/remove`)
  t.equal(again.statusCode, 404)
  t.match(again.body, /role="alert">You have no such authenticator\.<[^]*It is on/)
  t.match(await client.page(`${phone}/remove`), { statusCode: 404, body: /role="alert">You have no such authenticator/ })

  const tablet = `/2fa/authenticators/${ids.tablet}/remove`
  clock.advance(301)
  t.equal((await client.page(tablet)).headers.location, `/2fa/verify?next=${encodeURIComponent(tablet)}`)
  t.match((await client.form(tablet)).headers.location, /^\/2fa\/verify\?next=%2F2fa%2F(&|$)/)
  await client.form('/2fa/verify', { code: codeAt(host.tablet, clock) })
  const last = await client.page(tablet)
  t.match(last.body, /<h1>Turn two-factor authentication off\?<\/h1>[^]*Tablet is your only authenticator/)
  await client.form(tablet)
  t.match((await client.page('/2fa')).body, /It is off/)
})

function fieldOf ({ body }: LightMyRequestResponse, id: string): string {
  return new RegExp(`<input[^>]* id="${id}"[^>]*>`).exec(body)?.[0] ?? 'no such field'
}

t.test('an authenticator from another system was not used yet', async t => {
  const host = await buildHost(t, { revalidate: 0 })
  const { client, secret } = await enrol(host)
  await host.app.twoFactor.importSecret('ada', { secret: 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', name: 'Old system' })
  host.clock.advance(30)
  await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })
  t.match(await list(client), [{ name: 'Authenticator app' }, { name: 'Old system', lastUsedAt: null }])
  t.match((await client.page('/2fa')).body, /<dt><bdi>Old system<\/bdi><\/dt>\s*<dd>not used yet · added <time/)
})

t.test('an id in the prefix of the context is not mixed up with that of an authenticator', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cookie)
  await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false })
  const [clock, storage] = [createClock(), kyselyStorage(await openDatabase())]
  await app.register(async tenant => {
    await tenant.register(twoFactor, {
      issuer: 'Acme', storage, encryptionKeys, clock, recoveryCodes: 5, getUser: () => ({ id: 'ada', label: 'Ada' })
    })
  }, { prefix: '/:id' })
  const client = new Client(app)
  const { secret } = (await client.post('/acme/2fa/setup')).json<{ secret: string }>()
  await client.post('/acme/2fa/setup/confirm', { code: codeAt(secret, clock) })
  const { authenticators: [only] } = (await client.get('/acme/2fa')).json<{ authenticators: AuthenticatorInfo[] }>()
  const url = `/acme/2fa/authenticators/${only?.id}`
  t.equal((await client.form(`${url}/rename`, { name: 'Phone' })).headers.location, '/acme/2fa/')
  t.ok((await client.page('/acme/2fa')).body.includes(`action="${url}/rename"`))
  clock.advance(301)
  t.match((await client.request({ method: 'DELETE', url })).json(), { ...required, verifyUrl: '/acme/2fa/verify' })
})

t.test('of two clients that remove an authenticator each at once, one meets the last', async t => {
  const storage = kyselyStorage(await openDatabase())
  let arrived = 0
  let go = () => {}
  const both = new Promise<void>(resolve => { go = resolve })
  const host = await buildTwo(t, {
    storage: intercept(storage, method => {
      if (method !== 'removeAuthenticator') return
      if (++arrived === 2) go()
      return both
    })
  })
  const { client, clock, secret, ids } = host
  clock.advance(30)
  const other = await signIn(host)
  await other.post('/2fa/verify', { code: codeAt(secret, clock) })
  const answers = await Promise.all([remove(client, ids.phone), remove(other, ids.tablet)])
  t.strictSame(answers.map(answer => answer.json<{ enabled: boolean }>().enabled).sort(), [false, true])
  t.equal(await storage.isEnabled('ada'), false)
})
