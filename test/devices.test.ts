import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { TwoFactorEvent } from '../plugin/events.js'
import { bearerProof, kyselyStorage } from '../plugin/index.js'
import { deviceLabel } from '../plugin/device-label.js'
import { openDatabase } from './helpers/database.js'
import {
  buildHost, Client, codeAt, encryptionKeys, enrol, enrolByImport, intercept, signIn, wrongCode, type Host,
  type HostOptions, type Imported
} from './helpers/host.js'

const name = 'two-factor-device'
const day = 86_400

interface DeviceHost extends Host {
  readonly events: TwoFactorEvent[]
  readonly statements: string[]
}

/** A host with trusted devices, which keeps its events and the calls of its storage. */
async function build (t: Test, options: HostOptions = {}): Promise<DeviceHost> {
  const events: TwoFactorEvent[] = []
  const statements: string[] = []
  const stored = options.storage ?? kyselyStorage(await openDatabase())
  const storage = intercept(stored, method => { statements.push(method) })
  const host = await buildHost(t, {
    trustedDevices: true, onEvent: event => { events.push(event) }, passTtl: 3_600_000, ...options, storage
  })
  return { ...host, events, statements }
}

/** A client that was signed in by the password, then by a code, and asked not to be asked again. */
async function trust (
  host: Host, { secret }: Pick<Imported, 'secret'>, { user = 'ada', userAgent = '' } = {}
): Promise<Client> {
  const client = await signIn(host, user)
  if (userAgent) client.headers['user-agent'] = userAgent
  host.clock.advance(30)
  const verified = await client.post('/2fa/verify', { code: codeAt(secret, host.clock), trustDevice: true })
  if (verified.statusCode !== 200) throw new Error(verified.body)
  return client
}

/** The same browser with a new session: signed in by the password alone. */
async function again (host: Host, client: Client, user = 'ada'): Promise<Client> {
  const next = new Client(host.app)
  next.headers = { ...client.headers }
  for (const key of [name, `__Host-${name}`]) if (client.cookies[key]) next.cookies[key] = client.cookies[key]
  await next.post(`/login/${user}`)
  return next
}

const types = ({ events }: DeviceHost) => events.map(({ type }) => type).filter(type => type.startsWith('device-'))
const settled = () => new Promise(resolve => setImmediate(resolve))

async function asked (t: Test, client: Client, why: string): Promise<void> {
  t.match((await client.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' }, why)
}

async function letIn (t: Test, client: Client, why: string): Promise<void> {
  t.equal((await client.get('/dashboard')).statusCode, 200, why)
}

t.test('T1 without the option nobody is remembered, whatever the client asks for', async t => {
  const host = await build(t, { trustedDevices: false })
  const enrolled = await enrolByImport(host)
  const client = await trust(host, enrolled)
  t.same(Object.keys(client.cookies), ['sessionId'])
  await asked(t, await again(host, client), 'the next session')
  t.equal((await client.get('/2fa/devices')).statusCode, 404)
  t.notMatch((await (await signIn(host)).page('/2fa/verify')).body, 'trustDevice')
  t.notMatch((await client.page('/2fa/')).body, 'Trusted devices')
  t.notOk(host.statements.some(method => method.includes('Device')))
})

t.test('T1 with the option nobody is remembered who did not ask for it', async t => {
  const host = await build(t)
  const { secret, recoveryCodes } = await enrol(host)
  for (const body of [{}, { trustDevice: false }]) {
    const client = await signIn(host)
    host.clock.advance(30)
    await client.post('/2fa/verify', { code: codeAt(secret, host.clock), ...body })
    t.same(Object.keys(client.cookies), ['sessionId'])
  }
  const client = await signIn(host)
  const malformed = await client.post('/2fa/recover', { code: recoveryCodes[0], trustDevice: true })
  t.equal(malformed.statusCode, 400, 'a recovery code is for emergencies')
  for (const trustDevice of ['true', 1, null, {}]) {
    t.equal((await client.post('/2fa/verify', { code: '123456', trustDevice })).statusCode, 400)
  }
})

t.test('a trusted device is not asked again for 30 days, by one statement each time', async t => {
  const host = await build(t)
  const client = await trust(host, await enrolByImport(host))
  t.same(types(host), ['device-trusted'])
  let held = client
  for (let days = 0; days < 29; days += 7) {
    host.clock.advance(7 * day)
    held = await again(host, held)
    const before = { ...held.cookies }
    host.statements.length = 0
    await letIn(t, held, `after ${days + 7} days`)
    t.same(host.statements, ['useDevice'])
    t.not(held.cookies[name], before[name], 'the token is another one')
    t.not(held.cookies.sessionId, before.sessionId, 'and so is the session id')
    host.statements.length = 0
    await letIn(t, held, 'the next request')
    t.same(host.statements, [], 'goes by the pass')
    if (days === 21) break
  }
  host.clock.advance(2 * day)
  held = await again(host, held)
  host.statements.length = 0
  await asked(t, held, 'T2 its uses did not prolong it')
  t.same(host.statements, ['isEnabled'], 'and it is known without a look')
  t.equal(held.cookies[name], '', 'its cookie is gone')
  await settled()
  t.same(types(host), ['device-trusted', ...Array(4).fill('device-used')])
  t.notOk(host.events.some(({ type }, index) => type === 'verified' && index > 3), 'that is no verification')
})

t.test('the cookie is HttpOnly and SameSite, and over https Secure and bound to this host', async t => {
  const trustProxy: HostOptions = { server: { trustProxy: true } }
  for (const [headers, cookie] of [
    [{}, { name, httpOnly: true, sameSite: 'Lax', path: '/', maxAge: 30 * day, domain: undefined, secure: undefined }],
    [{ 'x-forwarded-proto': 'https' }, {
      name: `__Host-${name}`, httpOnly: true, sameSite: 'Lax', path: '/', maxAge: 30 * day, domain: undefined, secure: true
    }]
  ] as const) {
    const host = await build(t, trustProxy)
    const enrolled = await enrolByImport(host)
    const client = await signIn(host)
    client.headers = { ...headers }
    host.clock.advance(30)
    const response = await client.post('/2fa/verify', { code: codeAt(enrolled.secret, host.clock), trustDevice: true })
    const set = response.cookies.find(({ name }) => name.includes('device'))
    for (const [key, value] of Object.entries(cookie)) t.equal(set?.[key as keyof typeof set], value, key)
    t.match(set?.value, /^[\w-]{100,}$/)
    await letIn(t, await again(host, client), cookie.name)

    const downgraded = await again(host, client)
    downgraded.cookies[cookie.secure ? name : `__Host-${name}`] = set?.value ?? ''
    delete downgraded.cookies[cookie.name]
    await asked(t, downgraded, 'under the other name it is nothing')
  }
})

t.test('an answer that hands out a token is not cached, whatever the route says', async t => {
  const host = await build(t, {
    after: app => app.get('/cached', { config: { twoFactor: true } }, async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=600')
      return {}
    })
  })
  const client = await again(host, await trust(host, await enrolByImport(host)))
  t.equal((await client.get('/cached')).headers['cache-control'], 'no-store')
  t.equal((await client.get('/cached')).headers['cache-control'], 'public, max-age=600')
})

t.test('T2 whatever the cookie is, anything but a live token of this user is asked for a code', async t => {
  const host = await build(t)
  const enrolled = await enrolByImport(host)
  const eve = await enrolByImport(host, 'eve')
  const client = await trust(host, enrolled)
  const ofEve = await trust(host, eve, { user: 'eve' })

  const value = client.cookies[name] ?? ''
  host.statements.length = 0
  const borrowed = await again(host, ofEve)
  await asked(t, borrowed, 'another user\'s')
  t.equal(borrowed.cookies[name], ofEve.cookies[name], 'which stays for that user')
  const tried: string[] = ['', 'x', value.slice(1), value.slice(0, -4), `${value}AAAA`, JSON.stringify({ id: 'x' }), '__proto__']
  // The last character has bits that stand for nothing.
  for (let index = 0; index < value.length - 1; index += 7) {
    tried.push(value.slice(0, index) + (value[index] === 'A' ? 'B' : 'A') + value.slice(index + 1))
  }
  for (const forged of tried) {
    const attacker = await signIn(host)
    attacker.cookies[name] = forged
    await asked(t, attacker, 'forged')
  }
  t.same(new Set(host.statements), new Set(['isEnabled']), 'a forgery costs nothing beyond')
  await letIn(t, await again(host, client), 'the real one is none the worse')
  await letIn(t, await again(host, ofEve, 'eve'), 'nor is that of the other user')
})

t.test('T2 the device is let in after a key rotation while the old key is there', async t => {
  const storage = kyselyStorage(await openDatabase())
  const one = await build(t, { storage })
  const client = await trust(one, await enrolByImport(one))
  const fresh = Buffer.from(Array.from({ length: 32 }, (_, index) => 255 - index)).toString('base64')
  const two = await build(t, { storage, clock: one.clock, encryptionKeys: [fresh, ...encryptionKeys] })
  const moved = await again(two, client)
  await letIn(t, moved, 'by the old key')
  await letIn(t, await again(two, moved), 'by the new one')
})

const changes: Record<string, (host: DeviceHost, enrolled: Imported, device: Client) => Promise<unknown>> = {
  async revoked (_host, { client }) {
    const { devices } = (await client.get('/2fa/devices')).json<{ devices: Array<{ id: string }> }>()
    t.same((await client.request({ method: 'DELETE', url: `/2fa/devices/${devices[0]?.id}` })).json(), { revoked: 1 })
  },
  async 'revoked with all' (_host, { client }) {
    t.same((await client.request({ method: 'DELETE', url: '/2fa/devices' })).json(), { revoked: 1 })
  },
  async 'a reset' (host) {
    t.equal(await host.app.twoFactor.reset('ada'), true)
    await enrolByImport(host)
  },
  async 'turned off and on' (host, { client, secret }) {
    host.clock.advance(30)
    t.equal((await client.post('/2fa/disable', { code: codeAt(secret, host.clock) })).statusCode, 200)
    await enrolByImport(host)
  },
  async 'a new authenticator' (host, { client }) {
    const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
    host.clock.advance(30)
    t.equal((await client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })).statusCode, 200)
  },
  async 'authenticators disabled for wrong codes' (host, { secret }) {
    const attacker = await signIn(host)
    for (let count = 0; count < 2; count++) {
      host.clock.advance(60)
      t.equal((await attacker.post('/2fa/verify', { code: wrongCode(secret, host.clock) })).statusCode, 401)
    }
  }
}

for (const [what, change] of Object.entries(changes)) {
  t.test(`T2 after ${what}, the device and what it gave are asked for a code`, async t => {
    const host = await build(t, { revalidate: 0, lockout: { attempts: 1, disableAfter: 2 } })
    const enrolled = await enrolByImport(host)
    const device = await trust(host, enrolled)
    const stolen = await again(host, device)
    stolen.cookies[name] = device.cookies[name] ?? ''
    host.clock.advance(30)
    const used = await again(host, device)
    await letIn(t, used, 'before')
    await change(host, enrolled, device)
    await asked(t, await again(host, used), 'the device')
    if (!what.includes('wrong codes')) await asked(t, used, 'the session that it was let in by')
    await asked(t, stolen, 'a copy of its token')
  })
}

t.test('T2 a copy of a token: whoever comes second sets off the alarm, and both are asked', async t => {
  for (const first of ['thief', 'owner'] as const) {
    const host = await build(t, { revalidate: 0 })
    const device = await trust(host, await enrolByImport(host))
    const clients = { thief: await again(host, device), owner: await again(host, device) }
    const second = first === 'thief' ? 'owner' : 'thief'
    await letIn(t, clients[first], `the ${first} is first`)
    host.clock.advance(10)
    await asked(t, clients[second], `the ${second} is second`)
    t.equal(clients[second].cookies[name], '')
    await asked(t, clients[first], 'the pass of the first is dead')
    await asked(t, await again(host, clients[first]), 'and so is its next token')
    await settled()
    t.same(types(host), ['device-trusted', 'device-used', 'device-reuse-alarm'], 'the alarm goes off once')
    const [trusted, , alarm] = host.events.filter(({ type }) => type.startsWith('device-'))
    t.match(alarm, { userId: 'ada', ip: '127.0.0.1', deviceId: trusted?.deviceId ?? '' })
    await letIn(t, device, 'the session that gave the code has passed by that')
  }
})

t.test('requests that were on their way with the token before are let in for 10 s, with the same next token', async t => {
  const host = await build(t)
  const device = await trust(host, await enrolByImport(host))
  const [first, ...others] = await Promise.all(Array.from({ length: 5 }, () => again(host, device)))
  await letIn(t, first as Client, 'the first')
  for (const [index, client] of others.entries()) {
    host.clock.advance(index === 0 ? 9.999 : 0)
    await letIn(t, client, 'on its way')
  }
  host.clock.advance(60)
  let last: Client | undefined
  for (const client of others.slice(0, 1)) {
    last = await again(host, client)
    await letIn(t, last, 'an answer that came late holds a live token too')
  }
  await settled()
  t.notOk(types(host).includes('device-reuse-alarm'))
})

t.test('40 parallel requests of one browser are let in, and its cookie is good afterwards', async t => {
  const host = await build(t, { revalidate: 0 })
  const device = await trust(host, await enrolByImport(host))
  for (let round = 0; round < 3; round++) {
    const client = await again(host, device)
    const responses = await Promise.all(Array.from({ length: 40 }, () =>
      host.app.inject({ url: '/dashboard', cookies: { ...client.cookies } })))
    // A request that came after the session id changed finds no session, which is the host's own answer.
    t.notOk(responses.some(({ statusCode }) => statusCode !== 200 && statusCode !== 401))
    const letIn = responses.filter(({ statusCode }) => statusCode === 200)
    t.ok(letIn.length >= 1)
    const last = letIn[(7 * round) % letIn.length]
    device.cookies[name] = last?.cookies.find(cookie => cookie.name === name)?.value ?? ''
    host.clock.advance(3600)
  }
  await settled()
  t.notOk(types(host).includes('device-reuse-alarm'))
})

t.test('T3 a trusted device is never enough for { maxAge }, nor for what needs a fresh pass', async t => {
  const host = await build(t)
  const { secret } = await enrolByImport(host)
  const device = await trust(host, { secret })
  const client = await again(host, device)
  host.statements.length = 0
  t.match((await client.post('/transfer')).json(), { code: 'FST_2FA_REQUIRED' }, 'before it passed')
  t.notOk(host.statements.includes('useDevice'), 'its token is not spent on that')
  await letIn(t, client, 'a guarded route')
  t.equal((await client.get('/admin')).statusCode, 200, 'one for users with two-factor alone')
  t.match((await client.post('/transfer')).json(), { code: 'FST_2FA_REQUIRED' }, 'after it passed')
  for (const url of ['/2fa/setup', '/2fa/recovery-codes']) {
    t.match((await client.post(url)).json(), { code: 'FST_2FA_REQUIRED' }, url)
  }
  const status = (await client.get('/2fa/')).json<{ authenticators: Array<{ id: string }> }>()
  const removal = await client.request({ method: 'DELETE', url: `/2fa/authenticators/${status.authenticators[0]?.id}` })
  t.match(removal.json(), { code: 'FST_2FA_REQUIRED' })
  host.clock.advance(30)
  await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })
  t.equal((await client.post('/transfer')).statusCode, 200, 'a code is')
})

t.test('a device is used up to when it is known whether the client has passed, and no further', async t => {
  const host = await build(t)
  const { client: owner, secret } = await enrolByImport(host)
  const device = await again(host, await trust(host, { secret }))
  t.match((await device.get('/2fa/')).json(), { verified: true, enabled: true }, 'the status of a client passes')
  t.equal((await device.get('/public')).statusCode, 200)

  const page = await again(host, device)
  host.statements.length = 0
  t.match((await page.page('/2fa/verify')).body, '<h1>Enter your code</h1>', 'the page for a code stays one')
  t.notOk(host.statements.includes('useDevice'))

  const upgrade = await again(host, device)
  const response = await upgrade.get('/dashboard', { connection: 'upgrade', upgrade: 'websocket' })
  t.equal(response.statusCode, 403, 'an upgrade could not hand out the next token')
  await letIn(t, upgrade, 'and spends none')
  await letIn(t, owner, 'others are not concerned')
})

t.test('signing out ends the pass and not the device', async t => {
  const host = await build(t, { revalidate: 0 })
  const device = await again(host, await trust(host, await enrolByImport(host)))
  await letIn(t, device, 'before')
  const old = new Client(host.app)
  old.cookies = { ...device.cookies }
  await device.post('/logout')
  t.equal((await old.get('/dashboard')).statusCode, 401)
  await letIn(t, await again(host, device), 'the next time')
})

t.test('a client that is trusted again takes the place of the device that it was', async t => {
  const host = await build(t)
  const { secret } = await enrolByImport(host)
  const device = await trust(host, { secret })
  for (let count = 0; count < 3; count++) {
    host.clock.advance(60)
    t.equal((await device.post('/2fa/verify', { code: codeAt(secret, host.clock), trustDevice: true })).statusCode, 200)
  }
  t.equal((await device.get('/2fa/devices')).json<{ devices: unknown[] }>().devices.length, 1)
  await letIn(t, await again(host, device), 'by the newest token')
})

t.test('devices are listed by what they call themselves, and revoked by their own user alone', async t => {
  const host = await build(t)
  const ada = await enrolByImport(host)
  const eve = await enrolByImport(host, 'eve')
  const agents = {
    'Firefox on Linux': 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Safari on iPhone': 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1'
  }
  const [laptop] = [await trust(host, ada, { userAgent: agents['Firefox on Linux'] }), await trust(host, ada, { userAgent: agents['Safari on iPhone'] })]
  interface Listed {
    devices: Array<{ id: string, label: string, current: boolean, createdAt: string, expiresAt: string }>
  }
  const list = async (client: Client) => (await client.get('/2fa/devices')).json<Listed>().devices
  const listed = await list(laptop as Client)
  t.match(listed, [{ label: 'Firefox on Linux', current: true, lastUsedAt: null }, { label: 'Safari on iPhone', current: false }])
  t.equal(Date.parse(listed[0]?.expiresAt ?? '') - Date.parse(listed[0]?.createdAt ?? ''), 30 * day * 1000)
  t.same(Object.keys(listed[0] ?? {}).sort(), ['createdAt', 'current', 'expiresAt', 'id', 'label', 'lastUsedAt'], 'and no token')

  const stranger = await signIn(host)
  for (const [method, url] of [['GET', '/2fa/devices'], ['DELETE', '/2fa/devices'], ['DELETE', `/2fa/devices/${listed[0]?.id}`]] as const) {
    t.match((await stranger.request({ method, url })).json(), { code: 'FST_2FA_REQUIRED' }, `S8 ${method} without a pass`)
    t.equal((await new Client(host.app).request({ method, url })).statusCode, 401)
  }
  const others = await eve.client.request({ method: 'DELETE', url: `/2fa/devices/${listed[0]?.id}` })
  t.match(others, { statusCode: 404 }, 'S8 another user\'s is nobody\'s')
  t.match(others.json(), { code: 'FST_2FA_UNKNOWN_DEVICE' })
  t.same((await eve.client.request({ method: 'DELETE', url: '/2fa/devices' })).json(), { revoked: 0 })
  t.equal((await list(ada.client)).length, 2)

  await settled()
  host.events.length = 0
  const gone = await laptop?.request({ method: 'DELETE', url: `/2fa/devices/${listed[0]?.id}` })
  t.equal(gone?.cookies.find(cookie => cookie.name === name)?.value, '', 'its own cookie goes with it')
  const twice = await ada.client.request({ method: 'DELETE', url: `/2fa/devices/${listed[0]?.id}` })
  t.equal(twice.statusCode, 404)
  t.match(await list(ada.client), [{ label: 'Safari on iPhone' }])
  await settled()
  t.match(host.events, [{ type: 'device-revoked', userId: 'ada', deviceId: listed[0]?.id ?? '' }])
})

t.test('the pages offer to trust, list and revoke, without JavaScript', async t => {
  const host = await build(t, { trustedDevices: { ttl: 14 * day * 1000 } })
  const { secret } = await enrol(host)
  const client = await signIn(host)
  const ask = await client.page('/2fa/verify')
  t.match(ask.body, /<input type="checkbox" id="trust" name="trustDevice" value="on">\s*<label for="trust">Do not ask/)
  t.match(ask.body, /this device for 14 days/)
  const wrong = await client.form('/2fa/verify', { code: wrongCode(secret, host.clock), trustDevice: 'on' })
  t.match(wrong.body, 'value="on" checked', 'a wrong code does not uncheck it')

  host.clock.advance(30)
  const right = await client.form('/2fa/verify', { code: codeAt(secret, host.clock), trustDevice: 'on' })
  t.equal(right.statusCode, 303)
  t.equal(right.cookies.find(cookie => cookie.name === name)?.maxAge, 14 * day)
  t.match((await client.page('/2fa/devices')).headers.location, '/2fa/')
  const settings = (await client.page('/2fa/')).body
  const [, path = ''] = /action="(\/2fa\/devices\/[\w-]+\/revoke)"/.exec(settings) ?? []
  t.match(settings, /lightMyRequest \(this device\)/)
  const crossSite = await client.request({
    method: 'POST', url: path, headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'cross-site' }
  })
  t.equal(crossSite.statusCode, 403)
  t.match(await client.form(path), { statusCode: 303, headers: { location: '/2fa/' } })
  t.match((await client.page('/2fa/')).body, 'None. Each device is asked')
  t.equal((await client.form(path)).statusCode, 404)
  t.equal((await client.form('/2fa/devices/revoke')).statusCode, 303)
  await asked(t, await again(host, client), 'afterwards')
})

t.test('a host with routes of its own trusts and lists by request.twoFactor', async t => {
  const host = await build(t, {
    routes: false,
    verifyUrl: '/code',
    setupUrl: '/on',
    after (app: FastifyInstance) {
      app.post('/on', request => request.twoFactor.beginSetup())
      app.post<{ Body: { code: string } }>('/confirm', request => request.twoFactor.confirmSetup(request.body.code))
      app.post<{ Body: { code: string } }>('/code', request => request.twoFactor.verify(request.body.code, { trustDevice: true }))
      app.get('/devices', request => request.twoFactor.devices())
      app.post('/forget', async request => ({ count: await request.twoFactor.revokeDevices() }))
      app.get('/by-hand', async request => {
        await request.twoFactor.require(true)
        return { verified: request.twoFactor.verified }
      })
    }
  })
  const client = await signIn(host)
  const { secret } = (await client.post('/on')).json<{ secret: string }>()
  await client.post('/confirm', { code: codeAt(secret, host.clock) })
  host.clock.advance(30)
  t.equal((await client.post('/code', { code: codeAt(secret, host.clock) })).statusCode, 200)
  const next = await again(host, client)
  t.same((await next.get('/by-hand')).json(), { verified: true })
  t.match((await next.get('/devices')).json(), [{ current: true, label: 'lightMyRequest' }])
  t.same((await client.post('/forget')).json(), { count: 1 })
  t.equal((await (await again(host, next)).get('/by-hand')).statusCode, 403)
})

t.test('when the storage fails, a device is not let in and not spent; a code is not lost over it', async t => {
  let failing: string | undefined
  const events: TwoFactorEvent[] = []
  const storage = intercept(kyselyStorage(await openDatabase()), method => {
    if (method === failing) throw new Error('away')
  })
  const host = await buildHost(t, { storage, trustedDevices: true, onEvent: event => { events.push(event) } })
  const { secret } = await enrolByImport(host)
  failing = 'trustDevice'
  const unlucky = await trust(host, { secret })
  t.equal(unlucky.cookies[name], undefined)
  await letIn(t, unlucky, 'the code counts')

  failing = undefined
  const device = await trust(host, { secret })
  const client = await again(host, device)
  failing = 'useDevice'
  t.equal((await client.get('/dashboard')).statusCode, 503)
  t.equal((await client.get('/2fa/')).statusCode, 503)
  failing = undefined
  host.clock.advance(60)
  await letIn(t, client, 'once it is back')
})

t.test('a dump of the table holds no token', async t => {
  const db = await openDatabase()
  const host = await buildHost(t, { storage: kyselyStorage(db), trustedDevices: true })
  const device = await again(host, await trust(host, await enrolByImport(host)))
  await letIn(t, device, 'used once')
  const [row] = await db.selectFrom('two_factor_trusted_devices').selectAll().execute()
  t.equal(row?.token_hash.length, 32)
  t.equal(row?.previous_hash?.length, 32)
  for (const hash of [row?.token_hash, row?.previous_hash]) {
    for (const encoding of ['hex', 'base64', 'base64url'] as const) {
      const forged = await signIn(host)
      forged.cookies[name] = Buffer.from(hash ?? []).toString(encoding)
      await asked(t, forged, 'a hash is no token')
    }
  }
})

t.test('the option says what it takes', async t => {
  for (const trustedDevices of [null, 1, 'x', [], () => {}]) {
    await t.rejects(build(t, { trustedDevices: trustedDevices as never }), /false, true or \{ ttl, cookieName \}/)
  }
  for (const ttl of [59_999, 91 * day * 1000, 1.5, Number.NaN, '30d']) {
    await t.rejects(build(t, { trustedDevices: { ttl: ttl as number } }), /trustedDevices\.ttl.*integer from/)
  }
  for (const cookieName of ['', 'a b', 'a=b', 'a;b', '__Host-x', 'é', 'x'.repeat(65), 1]) {
    await t.rejects(build(t, { trustedDevices: { cookieName: cookieName as string } }), /trustedDevices\.cookieName/)
  }
  await t.rejects(build(t, { trustedDevices: { maxAge: 1 } as never }), /trustedDevices\.maxAge/)
  await t.rejects(build(t, { trustedDevices: true, proof: bearerProof() }), /false with bearerProof/)
  const cipher = { seal: (plain: Uint8Array) => plain, open: (sealed: Uint8Array) => sealed }
  await t.rejects(build(t, { cipher, encryptionKeys: undefined as never }), /given beside the cipher: trustedDevices/)
  const named = await build(t, { trustedDevices: { cookieName: 'acme' } })
  t.ok((await trust(named, await enrolByImport(named))).cookies.acme)
})

t.test('the label of a device is its browser and system, or something short and printable', async t => {
  const agents: Record<string, string> = {
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36 Edg/137.0.0.0': 'Edge on Windows',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36': 'Chrome on Windows',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15': 'Safari on Mac',
    'Mozilla/5.0 (Linux; Android 14; SM-S921B) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36': 'Samsung Internet on Android',
    'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/137.0.0.0 Safari/537.36': 'Chrome on ChromeOS',
    'Mozilla/5.0 (iPad; CPU OS 18_5 like Mac OS X) AppleWebKit/605.1.15 FxiOS/139.0 Mobile/15E148 Safari/605.1.15': 'Firefox on iPad',
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/156.0.0.0 Safari/537.36': 'Chrome on Linux',
    'curl/8.5.0': 'curl/8.5.0',
    '<script>alert(1)</script> x': '<script>alert(1)</script>',
    '': 'Unknown device'
  }
  for (const [agent, label] of Object.entries(agents)) t.equal(deviceLabel(agent), label)
  t.equal(deviceLabel(undefined), 'Unknown device')
  fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 2000 }), agent => /^[ -~]{1,64}$/.test(deviceLabel(agent))), { numRuns: 2000 })
})
