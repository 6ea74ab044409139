import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import fc from 'fast-check'
import { randomBytes } from 'node:crypto'
import { Secret } from 'otpauth'
import t, { type Test } from 'tap'
import twoFactor, { bearerProof, kyselyStorage, type BearerProofOptions, type TwoFactorOptions, type TwoFactorStorage } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { codeAt, createClock, encryptionKeys, intercept, wrongCode, type Clock } from '../helpers/host.js'

interface Api {
  readonly app: FastifyInstance
  readonly clock: Clock
}

interface ApiOptions extends Partial<TwoFactorOptions> {
  clock?: Clock
  proofOptions?: BearerProofOptions
}

/** An API without sessions: `Authorization: Bearer ada.1` is a token of ada's. */
async function build (t: Test, { clock = createClock(), proofOptions, ...options }: ApiOptions = {}): Promise<Api> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(twoFactor, {
    issuer: 'Acme',
    encryptionKeys,
    storage: options.storage ?? kyselyStorage(await openDatabase()),
    getUser ({ headers: { authorization = '' } }) {
      const id = /^bearer +(\w+)\./i.exec(authorization)?.[1]
      return id === undefined ? null : { id, label: id }
    },
    proof: bearerProof(proofOptions),
    recoveryCodes: 5,
    rateLimit: false,
    clock,
    ...options
  })
  app.get('/vault', { config: { twoFactor: true } }, async () => ({ open: true }))
  app.get('/admin', { config: { twoFactor: 'required' } }, async () => ({ open: true }))
  app.post('/transfer', { config: { twoFactor: { maxAge: 300 } } }, async () => ({ sent: true }))
  app.post('/logout', async request => {
    await request.twoFactor.end()
    return {}
  })
  await app.ready()
  return { app, clock }
}

/** A client with a credential, and the proof that it was handed. */
function clientOf ({ app }: Api, credential: string | undefined, proof?: string, header = 'two-factor-proof') {
  const headers = {
    ...(credential !== undefined && { authorization: `Bearer ${credential}` }), ...(proof !== undefined && { [header]: proof })
  }
  const send = (options: InjectOptions) => app.inject({ ...options, headers: { ...headers, ...options.headers } })
  return {
    get: (url: string, more = {}) => send({ method: 'GET', url, headers: more }),
    post: (url: string, payload: object = {}, more = {}) => send({ method: 'POST', url, payload, headers: more })
  }
}

async function enrol (api: Api, credential = 'ada.1') {
  const client = clientOf(api, credential)
  const { secret, setupToken } = (await client.post('/2fa/setup')).json<{ secret: string, setupToken: string }>()
  const confirmed = await client.post('/2fa/setup/confirm', { code: codeAt(secret, api.clock), setupToken })
  return { secret, setupToken, ...confirmed.json<{ proofToken: string, recoveryCodes: string[] }>() }
}

/** The same for a user whose app was taken over from elsewhere, and who has no recovery codes to hash. */
async function enrolByImport (api: Api, credential = 'ada.1') {
  const [user = ''] = credential.split('.')
  const secret = new Secret().base32
  await api.app.twoFactor.importSecret(user, { secret })
  const verified = await clientOf(api, credential).post('/2fa/verify', { code: codeAt(secret, api.clock) })
  return { secret, ...verified.json<{ proofToken: string }>() }
}

async function pass (api: Api, secret: string, credential: string): Promise<string> {
  api.clock.advance(30)
  return (await clientOf(api, credential).post('/2fa/verify', { code: codeAt(secret, api.clock) })).json<{ proofToken: string }>().proofToken
}

t.test('a client without cookies sets up, passes by a code and gets in with its proof token', async t => {
  const api = await build(t)
  const plain = clientOf(api, 'ada.1')
  t.equal((await plain.get('/vault')).statusCode, 200, 'without two-factor')
  t.match((await plain.get('/admin')).json(), { code: 'FST_2FA_SETUP_REQUIRED', setupUrl: '/2fa/setup' })

  const setup = await plain.post('/2fa/setup')
  t.match(setup.json(), {
    secret: /^[A-Z2-7]{32}$/, uri: /^otpauth:/, qrSvg: /^<svg/, expiresAt: String, setupToken: /^[\w-]+$/
  })
  const { secret, setupToken } = setup.json<{ secret: string, setupToken: string }>()
  const confirm = (code: string) => plain.post('/2fa/setup/confirm', { code, setupToken })
  t.match((await confirm(wrongCode(secret, api.clock))).json(), { code: 'FST_2FA_INVALID_CODE' })
  const confirmed = (await confirm(codeAt(secret, api.clock))).json<{ proofToken: string, recoveryCodes: string[] }>()
  t.match(confirmed, { enabled: true, proofToken: /^[\w-]+$/, recoveryCodes: { length: 5 } })
  t.equal((await clientOf(api, 'ada.1', confirmed.proofToken).get('/admin')).statusCode, 200)
  t.equal((await plain.get('/vault')).statusCode, 403, 'without the token')

  const second = clientOf(api, 'ada.2')
  t.match((await second.get('/vault')).json(), { code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' })
  api.clock.advance(30)
  const verified = await second.post('/2fa/verify', { code: codeAt(secret, api.clock) })
  t.match(verified.json(), { verified: true, proofToken: /^[\w-]+$/ })
  t.equal(verified.headers['set-cookie'], undefined)
  const inside = clientOf(api, 'ada.2', verified.json<{ proofToken: string }>().proofToken)
  t.equal((await inside.get('/vault')).statusCode, 200)
  t.equal((await inside.post('/transfer')).statusCode, 200)
  t.match((await inside.get('/2fa')).json(), { enabled: true, verified: true, recoveryCodesLeft: 5 })
  api.clock.advance(301)
  t.equal((await inside.post('/transfer')).statusCode, 403)

  const recovered = (await second.post('/2fa/recover', { code: confirmed.recoveryCodes[0] })).json<{ proofToken: string }>()
  t.match(recovered, { verified: true, recoveryCodesLeft: 4, proofToken: String })
  const again = clientOf(api, 'ada.2', recovered.proofToken)
  t.equal((await again.post('/transfer')).statusCode, 200)
  t.match((await again.post('/2fa/recovery-codes')).json(), { recoveryCodes: { length: 5 } })
  api.clock.advance(30)
  t.same((await again.post('/2fa/disable', { code: codeAt(secret, api.clock) })).json(), { enabled: false })
  t.match((await again.get('/admin')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
})

t.test('a proof token is worth nothing with another credential, another user or none', async t => {
  const api = await build(t)
  const { proofToken: ada } = await enrolByImport(api)
  const { proofToken: eve } = await enrolByImport(api, 'eve.1')
  t.equal((await clientOf(api, 'ada.1', ada).get('/vault')).statusCode, 200)
  for (const [credential, token] of [['ada.2', ada], ['ada.1x', ada], ['ada.1', eve], ['eve.1', ada], ['ADA.1', ada]] as const) {
    t.not((await clientOf(api, credential, token).get('/admin')).statusCode, 200, credential)
  }
  t.equal((await clientOf(api, undefined, ada).get('/vault')).statusCode, 401, 'losing either half is worth nothing')
  t.equal((await clientOf(api, 'ada.1').get('/vault')).statusCode, 403)
})

t.test('a proof token that was altered in any place is none', async t => {
  const api = await build(t)
  const { proofToken, setupToken } = await enrol(api)
  const bytes = Buffer.from(proofToken, 'base64url')
  const statusOf = async (token: string) => (await clientOf(api, 'ada.1', token).get('/vault')).statusCode
  for (let index = 0; index < bytes.length; index++) {
    const altered = Buffer.from(bytes)
    altered[index] = (altered[index] ?? 0) ^ (1 << index % 8)
    t.equal(await statusOf(altered.toString('base64url')), 403, `byte ${index}`)
  }
  for (const token of ['', ' ', 'x', proofToken.slice(1), proofToken.slice(0, -4), proofToken + proofToken, `${proofToken}, ${proofToken}`, setupToken, 'null', '{}']) {
    t.equal(await statusOf(token), 403, token.slice(0, 12))
  }
  await fc.assert(fc.asyncProperty(fc.base64String({ maxLength: 400 }), async token => await statusOf(token) === 403),
    { numRuns: 300 })
  t.equal(await statusOf(proofToken), 200)
})

t.test('a proof token of other keys is none, and one of a key that is still there is good', async t => {
  const storage = kyselyStorage(await openDatabase())
  const old = await build(t, { storage })
  const { proofToken } = await enrolByImport(old)
  const other = randomBytes(32).toString('base64')
  const rotated = await build(t, { storage, clock: old.clock, encryptionKeys: [other, ...encryptionKeys] })
  t.equal((await clientOf(rotated, 'ada.1', proofToken).get('/vault')).statusCode, 200)
  const unsampled = { ...storage, sampleSecret: async () => undefined }
  const foreign = await build(t, { storage: unsampled, clock: old.clock, encryptionKeys: [other] })
  t.equal((await clientOf(foreign, 'ada.1', proofToken).get('/vault')).statusCode, 403)
})

t.test('a proof token expires with its pass', async t => {
  const api = await build(t, { passTtl: 60_000 })
  const { proofToken } = await enrolByImport(api)
  const client = clientOf(api, 'ada.1', proofToken)
  api.clock.advance(59)
  t.equal((await client.get('/vault')).statusCode, 200)
  api.clock.advance(1)
  t.equal((await client.get('/vault')).statusCode, 403)
})

t.test('a proof token is checked without SQL for revalidate seconds, also by a process that it is new to after one read', async t => {
  const calls: string[] = []
  const storage: TwoFactorStorage = intercept(kyselyStorage(await openDatabase()), method => calls.push(method))
  const api = await build(t, { storage })
  const { proofToken } = await enrolByImport(api)
  const visit = async (to: Api) => {
    calls.length = 0
    for (const url of ['/vault', '/admin']) t.equal((await clientOf(to, 'ada.1', proofToken).get(url)).statusCode, 200)
    return [...calls]
  }
  t.same(await visit(api), [])
  api.clock.advance(30)
  t.same(await visit(api), ['findPass'])
  const other = await build(t, { storage, clock: api.clock })
  t.same(await visit(other), ['findPass'])
})

t.test('a proof token that was ended or whose user was reset is dead within the bound, everywhere', async t => {
  for (const revalidate of [0, 30]) {
    for (const how of ['end', 'reset'] as const) {
      const storage = kyselyStorage(await openDatabase())
      const one = await build(t, { storage, revalidate })
      const two = await build(t, { storage, revalidate, clock: one.clock })
      const { proofToken, secret } = await enrolByImport(one)
      const other = await pass(one, secret, 'ada.2')
      t.equal((await clientOf(two, 'ada.1', proofToken).get('/admin')).statusCode, 200)
      if (how === 'end') t.equal((await clientOf(one, 'ada.1', proofToken).post('/logout')).statusCode, 200)
      else await one.app.twoFactor.reset('ada')
      t.equal((await clientOf(one, 'ada.1', proofToken).get('/admin')).statusCode, 403, 'in its own process at once')
      one.clock.advance(revalidate)
      t.equal((await clientOf(two, 'ada.1', proofToken).get('/admin')).statusCode, 403, `${how}, revalidate ${revalidate}`)
      t.equal((await clientOf(two, 'ada.2', other).get('/admin')).statusCode, how === 'end' ? 200 : 403, 'end() ends one client alone')
    }
  }
})

t.test('a request without a credential is nobody\'s', async t => {
  const api = await build(t)
  const { proofToken, secret } = await enrolByImport(api)
  api.clock.advance(30)
  const nobody = clientOf(api, undefined, proofToken)
  for (const url of ['/vault', '/admin', '/2fa', '/2fa/setup']) t.equal((await nobody.get(url)).statusCode, 401, url)
  for (const url of ['/2fa/setup', '/2fa/recovery-codes', '/logout']) t.match((await nobody.post(url)).statusCode, /^(401|200)$/, url)
  t.equal((await nobody.post('/2fa/verify', { code: codeAt(secret, api.clock) })).statusCode, 401)
  t.match(await api.app.twoFactor.status('ada'), { failedAttempts: 0 })
})

t.test('a user without a credential to bind to gets no token, and the code is not used up', async t => {
  // A host that knows its users by something else than Authorization, and forgot the option.
  const api = await build(t, { getUser: ({ headers: { 'x-user': id } }) => typeof id === 'string' ? { id, label: id } : null })
  const client = clientOf(api, 'sid')
  const { secret, setupToken } = (await client.post('/2fa/setup', {}, { 'x-user': 'ada' })).json<{ secret: string, setupToken: string }>()
  await client.post('/2fa/setup/confirm', { code: codeAt(secret, api.clock), setupToken }, { 'x-user': 'ada' })
  api.clock.advance(30)
  const code = codeAt(secret, api.clock)
  const bare = clientOf(api, undefined)
  t.equal((await bare.post('/2fa/verify', { code }, { 'x-user': 'ada' })).statusCode, 401)
  t.equal((await bare.get('/vault', { 'x-user': 'ada' })).statusCode, 403)
  t.equal((await client.post('/2fa/verify', { code }, { 'x-user': 'ada' })).statusCode, 200, 'the code is still good')
})

t.test('the scheme of Authorization is read in any case, and other schemes are no credential', async t => {
  const api = await build(t)
  const { proofToken } = await enrolByImport(api)
  const statusOf = async (authorization: string) =>
    (await api.app.inject({ url: '/vault', headers: { authorization, 'two-factor-proof': proofToken } })).statusCode
  for (const authorization of ['Bearer ada.1', 'bearer ada.1', 'BEARER  ada.1 ']) t.equal(await statusOf(authorization), 200, authorization)
  for (const authorization of ['Basic ada.1', 'ada.1', 'Bearer', 'Bearer ada.1 ada.2', 'Bearer ada.1, Bearer ada.2']) t.not(await statusOf(authorization), 200, authorization)
})

t.test('credential says what stays the same when a token is refreshed; no answer is no pass', async t => {
  // `ada.SESSION.SERIAL`: the serial changes with each refresh.
  const api = await build(t, { proofOptions: { credential: ({ headers: { authorization = '' } }) => authorization.split('.')[1] } })
  const { proofToken } = await enrolByImport(api, 'ada.s1.1')
  t.equal((await clientOf(api, 'ada.s1.2', proofToken).get('/vault')).statusCode, 200, 'refreshed')
  t.equal((await clientOf(api, 'ada.s2.2', proofToken).get('/vault')).statusCode, 403, 'another session')
  t.equal((await clientOf(api, 'ada..1', proofToken).get('/vault')).statusCode, 403, 'none')
})

t.test('header names the header that carries the proof, in any case', async t => {
  const api = await build(t, { proofOptions: { header: 'X-Second-Factor' } })
  const { proofToken } = await enrolByImport(api)
  t.equal((await clientOf(api, 'ada.1', proofToken, 'x-second-factor').get('/vault')).statusCode, 200)
  t.equal((await clientOf(api, 'ada.1', proofToken).get('/vault')).statusCode, 403)
})

t.test('a fetch from another site is taken: there is no cookie that a browser would attach', async t => {
  const api = await build(t)
  const { secret } = await enrolByImport(api)
  api.clock.advance(30)
  const response = await clientOf(api, 'ada.2').post('/2fa/verify', { code: codeAt(secret, api.clock) }, {
    origin: 'https://spa.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'cors'
  })
  t.match(response.json(), { verified: true, proofToken: String })
})

t.test('a setup token belongs to its user, expires, and cannot be made up', async t => {
  const api = await build(t, { setupTtl: 60_000 })
  const ada = clientOf(api, 'ada.1')
  const eve = clientOf(api, 'eve.1')
  const { secret, setupToken } = (await ada.post('/2fa/setup')).json<{ secret: string, setupToken: string }>()
  const code = codeAt(secret, api.clock)
  const expired = { statusCode: 410, code: 'FST_2FA_SETUP_EXPIRED' }
  t.match((await eve.post('/2fa/setup/confirm', { code, setupToken })).json(), expired, 'another user')
  t.match((await ada.post('/2fa/setup/confirm', { code })).json(), expired, 'none')
  for (const token of ['', 'x', setupToken.slice(2), setupToken.replace(/^./, 'B'), 'x'.repeat(2048)]) {
    t.match((await ada.post('/2fa/setup/confirm', { code, setupToken: token })).json(), expired, token.slice(0, 8))
  }
  t.equal((await ada.post('/2fa/setup/confirm', { code, setupToken: 'x'.repeat(2049) })).statusCode, 400)
  api.clock.advance(60)
  t.match((await ada.post('/2fa/setup/confirm', { code: codeAt(secret, api.clock), setupToken })).json(), expired)
  t.equal((await ada.get('/admin')).statusCode, 403)
})

t.test('E3 a proof token is no setup token, and the other way round', async t => {
  const api = await build(t)
  const { proofToken } = await enrolByImport(api)
  const client = clientOf(api, 'ada.1', proofToken)
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  t.match((await client.post('/2fa/setup/confirm', { code: codeAt(secret, api.clock), setupToken: proofToken })).json(), { code: 'FST_2FA_SETUP_EXPIRED' })
})

t.test('S5 a further authenticator needs a fresh proof to begin and a live one to confirm', async t => {
  const api = await build(t)
  const { proofToken, secret, setupToken } = await enrol(api)
  const client = clientOf(api, 'ada.1', proofToken)
  const bare = clientOf(api, 'ada.1')
  t.match((await bare.post('/2fa/setup')).json(), { code: 'FST_2FA_REQUIRED' })
  t.match((await bare.post('/2fa/setup/confirm', { code: codeAt(secret, api.clock, 1), setupToken })).json(), { code: 'FST_2FA_ALREADY_ENABLED' }, 'the first setup again')

  const added = (await client.post('/2fa/setup')).json<{ secret: string, setupToken: string }>()
  const body = { code: codeAt(added.secret, api.clock), setupToken: added.setupToken }
  t.match((await bare.post('/2fa/setup/confirm', body)).json(), { code: 'FST_2FA_ALREADY_ENABLED' }, 'without the proof')
  const confirmed = (await client.post('/2fa/setup/confirm', body)).json<{ proofToken: string }>()
  t.match(confirmed, { enabled: true, recoveryCodes: [], proofToken: String })

  const next = clientOf(api, 'ada.1', confirmed.proofToken)
  api.clock.advance(30)
  const again = await next.post('/2fa/setup/confirm', { code: codeAt(added.secret, api.clock), setupToken: added.setupToken })
  t.match(again.json(), { statusCode: 410, code: 'FST_2FA_SETUP_EXPIRED' }, 'a setup token works once')
  t.equal((await api.app.twoFactor.status('ada')).authenticators.length, 2)
})

t.test('bearerProof needs no session plugin and leaves sessions alone', async t => {
  const api = await build(t)
  t.notOk(api.app.hasRequestDecorator('session'))
  t.equal((await clientOf(api, 'ada.1').get('/2fa')).headers['set-cookie'], undefined)
})
