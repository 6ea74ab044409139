import t from 'tap'
import type { Client } from './helpers/host.js'
import { Client as NewClient, codeAt, enrol, signIn, wrongCode, type Enrolled } from './helpers/host.js'
import {
  buildDocumented, documented, operationsOf, watch, type Described, type DocumentedHost
} from './helpers/openapi.js'

// Both ways: nothing is answered that the document does not have, and it has nothing that is never answered.

const page = { accept: 'text/html' }
const json = { 'content-type': 'application/json' }

/** What an operation can be asked, right but for who asks and for what. */
function requestOf ({ method, path, operation }: Described) {
  const { example } = operation.requestBody?.content['application/json'] ?? {}
  const url = path.replace(/\{method\}/, 'mail').replace(/\{\w+\}/g, 'unknown')
  return { method: method as 'GET', url, ...example !== undefined && { payload: example as object } }
}

/** What any route of its kind refuses. */
async function refuseAll (host: DocumentedHost, root: Client): Promise<void> {
  const stranger = new NewClient(host.app)
  const password = await signIn(host, 'root')
  for (const described of operationsOf(host.document).filter(({ path }) => /2fa|back/.test(path))) {
    const right = requestOf(described)
    await stranger.request(right)
    await stranger.request({ ...right, headers: page })
    host.faults.down = true
    await password.request(right)
    await root.request(right)
    await root.request({ ...right, headers: page })
    host.faults.down = false
    if (described.operation.parameters?.some(parameter => parameter.in === 'path')) {
      await root.request({ ...right, url: described.path.replace(/\{\w+\}/g, '%7F') })
    }
    if (described.method === 'GET') continue
    await root.request({ ...right, payload: '{', headers: json })
    await root.request({ ...right, payload: '{"a":1,"a":2}', headers: json })
    await root.request({ ...right, payload: JSON.stringify('x'.repeat(9000)), headers: json })
    await root.request({ ...right, payload: '<x/>', headers: { 'content-type': 'text/xml' } })
    await root.request({ ...right, headers: { origin: 'https://evil.example' } })
    if (described.operation.requestBody) await root.request({ ...right, payload: {} })
  }
}

/** Setting up: each answer of it, and each refusal. */
async function setUp (host: DocumentedHost): Promise<Enrolled> {
  const { clock } = host
  const ada = await signIn(host)
  const late = await signIn(host)
  await ada.form('/2fa/setup')
  const { secret } = (await ada.post('/2fa/setup')).json<{ secret: string }>()
  const other = (await late.post('/2fa/setup')).json<{ secret: string }>()
  await ada.post('/2fa/setup/confirm', { code: wrongCode(secret, clock) })
  await ada.post('/2fa/setup/confirm', { code: codeAt(secret, clock, 5) })
  const { recoveryCodes } = (await ada.post('/2fa/setup/confirm', { code: codeAt(secret, clock) }))
    .json<{ recoveryCodes: string[] }>()
  await late.post('/2fa/setup/confirm', { code: codeAt(other.secret, clock) })
  await ada.post('/2fa/setup/confirm', { code: '123456' })
  await (await signIn(host)).post('/2fa/setup')

  const bob = await signIn(host, 'bob')
  const first = (await bob.post('/2fa/setup')).json<{ secret: string }>()
  await bob.form('/2fa/setup/confirm', { code: codeAt(first.secret, clock) })
  const second = (await bob.post('/2fa/setup')).json<{ secret: string }>()
  await bob.post('/2fa/setup/confirm', { code: codeAt(second.secret, clock) })
  return { client: ada, secret, recoveryCodes }
}

/** Passing, in every way, and how it is refused. */
async function pass (host: DocumentedHost, { secret, recoveryCodes }: Enrolled): Promise<void> {
  const { clock } = host
  const next = () => {
    clock.advance(60)
    return codeAt(secret, clock)
  }
  for (const way of ['post', 'form'] as const) {
    await (await signIn(host))[way]('/2fa/verify', { code: next() })
    await (await signIn(host))[way]('/2fa/recover', { code: recoveryCodes.pop() ?? '' })
    await (await signIn(host))[way]('/2fa/methods/mail/start')
    await (await signIn(host))[way]('/2fa/methods/mail', { proof: 'right' })
  }
  const password = await signIn(host)
  await password.get('/2fa/')
  await password.page('/2fa/')
  await password.get('/2fa/methods')
  clock.advance(60)
  await password.post('/2fa/verify', { code: codeAt(secret, clock, 7) })
  await password.post('/2fa/recover', { code: '7KQ2-M9XD-4TBN-PW6H' })
  await password.post('/2fa/methods/mail', { proof: 'wrong' })
  for (const method of ['start', '']) await password.post(`/2fa/methods/none/${method}`.replace(/\/$/, ''), { proof: 'x' })
  await password.post('/2fa/verify', { code: wrongCode(secret, clock) })
  await password.post('/2fa/verify', { code: wrongCode(secret, clock) })
  await password.post('/2fa/recover', { code: '7KQ2-M9XD-4TBN-PW6H' })
  await password.post('/2fa/methods/mail', { proof: 'right' })
  clock.advance(120)
  // A page that says that few recovery codes are left.
  await (await signIn(host)).post('/2fa/recover', { code: recoveryCodes.pop() ?? '' })
  await (await signIn(host)).form('/2fa/verify', { code: next() })
}

/** What a client that has passed does, and one that has not may not do. */
async function change (host: DocumentedHost, ada: Client): Promise<void> {
  const [authenticator] = (await ada.get('/2fa/authenticators')).json<{ authenticators: Array<{ id: string }> }>().authenticators
  const own = `/2fa/authenticators/${authenticator?.id}`
  await ada.page('/2fa/authenticators')
  for (const headers of [{}, page]) {
    await ada.request({ method: 'PATCH', url: own, payload: { name: 'Phone' }, headers })
    await ada.request({ method: 'PATCH', url: '/2fa/authenticators/none', payload: { name: 'Phone' }, headers })
    await ada.request({ method: 'DELETE', url: '/2fa/authenticators/none', headers })
    await ada.request({ method: 'DELETE', url: '/2fa/devices/none', headers })
    await ada.request({ method: 'GET', url: '/2fa/devices', headers })
    await ada.request({ method: 'DELETE', url: '/2fa/devices', headers })
    await ada.request({ method: 'POST', url: '/2fa/recovery-codes', headers })
    // Refused for those who have not passed, have nothing to change, or have to set it up first.
    for (const user of ['ada', 'nobody', 'must-set-up']) {
      const client = await signIn(host, user)
      for (const [method, url] of changes) await client.request({ method, url: url.replace('own', String(authenticator?.id)), headers, ...bodyFor(url) })
    }
  }
}

const changes = [
  ['GET', '/2fa/authenticators'], ['PATCH', '/2fa/authenticators/own'], ['DELETE', '/2fa/authenticators/own'], ['GET', '/2fa/devices'],
  ['DELETE', '/2fa/devices/own'], ['DELETE', '/2fa/devices'], ['POST', '/2fa/recovery-codes'], ['POST', '/2fa/disable']
] as const

function bodyFor (url: string): { payload?: object } {
  if (url.endsWith('disable')) return { payload: { code: '123456' } }
  return url.endsWith('/authenticators/own') ? { payload: { name: 'Phone' } } : {}
}

/** Devices that are trusted, and revoked one by one. */
async function trust (host: DocumentedHost, { secret }: Enrolled): Promise<void> {
  for (const headers of [{}, page]) {
    const client = await signIn(host)
    host.clock.advance(60)
    await client.post('/2fa/verify', { code: codeAt(secret, host.clock), trustDevice: true })
    const [device] = (await client.get('/2fa/devices')).json<{ devices: Array<{ id: string }> }>().devices
    await client.request({ method: 'DELETE', url: `/2fa/devices/${device?.id}`, headers })
  }
}

/** Turning it off, in both ways, and what stands against it. */
async function turnOff (host: DocumentedHost): Promise<void> {
  const { clock } = host
  const must = await enrol(host, 'must-keep')
  const [only] = (await must.client.get('/2fa/authenticators')).json<{ authenticators: Array<{ id: string }> }>().authenticators
  await must.client.request({ method: 'DELETE', url: `/2fa/authenticators/${only?.id}` })
  await must.client.post('/2fa/disable', { code: '123456' })

  for (const headers of [{}, page]) {
    const { client } = await enrol(host, 'carl')
    const [mine] = (await client.get('/2fa/authenticators')).json<{ authenticators: Array<{ id: string }> }>().authenticators
    await client.request({ method: 'DELETE', url: `/2fa/authenticators/${mine?.id}`, headers })
    const dora = await enrol(host, 'dora')
    await dora.client.request({ method: 'POST', url: '/2fa/disable', payload: { code: dora.recoveryCodes[0] }, headers })
  }

  const eve = await enrol(host, 'eve')
  clock.advance(60)
  await eve.client.post('/2fa/disable', { code: codeAt(eve.secret, clock, 7) })
  for (let round = 0; round < 2; round++) {
    for (let guess = 0; guess < 3; guess++) await eve.client.post('/2fa/disable', { code: wrongCode(eve.secret, clock) })
    clock.advance(600)
  }
  await eve.client.post('/2fa/disable', { code: '123456' })
  await eve.client.post('/2fa/verify', { code: '123456' })
}

/** The back office. */
async function administer (host: DocumentedHost, root: Client): Promise<void> {
  const each = [
    ['GET', '/back/users/eve'], ['GET', '/back/users/eve/events'], ['GET', '/back/keys'], ['POST', '/back/users/eve/unlock'],
    ['POST', '/back/users/eve/reset']
  ] as const
  const eve = await enrol(host, 'someone')
  for (const [method, url] of each) {
    await root.request({ method, url })
    await root.request({ method, url: url.replace('eve', 'nobody') })
    for (const headers of [{}, page]) {
      await (await signIn(host, 'root')).request({ method, url, headers })
      await (await signIn(host, 'nobody')).request({ method, url, headers })
    }
    await eve.client.request({ method, url })
  }
}

t.test('what is answered is documented, and what is documented is answered', async t => {
  const host = await buildDocumented(t, {
    audit: true,
    maxAuthenticators: 1,
    recoveryCodes: 5,
    rateLimit: { max: 10_000 },
    lockout: { attempts: 3, disableAfter: 6 },
    policy: (_, { id }) => id.startsWith('must') ? 'required' : 'optional'
  })
  const { seen, objections } = watch(host.app, host.document)
  const ada = await setUp(host)
  await pass(host, ada)
  await trust(host, ada)
  await change(host, (await enrolAgain(host, ada)))
  await turnOff(host)
  const root = await enrol(host, 'root')
  await administer(host, root.client)
  await refuseAll(host, root.client)

  const limited = await buildDocumented(t, { rateLimit: { max: 1 } })
  const { seen: often, objections: more } = watch(limited.app, host.document)
  const client = new NewClient(limited.app)
  for (const described of operationsOf(host.document).filter(({ path }) => path.startsWith('/2fa'))) {
    for (let request = 0; request < 2; request++) await client.request(requestOf(described))
  }
  t.same([...new Set([...objections, ...more])], [])
  // That a browser sees a refusal as a page is no refusal of its own.
  const happened = [...new Set([...seen, ...often])].filter(entry => !/ [45].. text\/html$/.test(entry)).sort()
  t.same(happened, documented(host.document).filter(entry => entry.startsWith('twoFactor')))
})

async function enrolAgain (host: DocumentedHost, { secret }: Enrolled): Promise<Client> {
  const client = await signIn(host)
  host.clock.advance(60)
  await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })
  return client
}
