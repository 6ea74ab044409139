import { createTwoFactorClient, TwoFactorApiError, type Fetch, type TwoFactorClient } from 'fastify-authenticator-2fa/client'
import type { AddressInfo } from 'node:net'
import { createServer, type RequestListener } from 'node:http'
import { readFile } from 'node:fs/promises'
import t, { type Test } from 'tap'
import blankSpace from 'ts-blank-space'
import ts from 'typescript'
import * as errors from '../plugin/errors.js'
import { bearerProof } from '../plugin/index.js'
import { refusals } from '../plugin/routes/refusals.js'
import { load, snippet } from './docs/snippets.js'
import { launchBrowser, withoutBrowser } from './helpers/browser.js'
import { buildHost, codeAt, wrongCode, type Host, type HostOptions } from './helpers/host.js'

interface Listening extends Host {
  readonly origin: string
}

const methods = { mail: { label: 'Send me a code', check: (_: unknown, proof: string) => proof === 'right' } }

async function listen (t: Pick<Test, 'teardown'>, options: HostOptions = {}): Promise<Listening> {
  const host = await buildHost(t, { trustedDevices: true, methods, ...options })
  return { ...host, origin: await host.app.listen({ host: '127.0.0.1', port: 0 }) }
}

/** What a browser does with cookies. */
function createJar (): Fetch {
  const cookies = new Map<string, string>()
  return async (url, init) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...init, headers: { ...init.headers, cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (/max-age=0\b/i.test(line)) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }
}

/** A client with a session of its own, past the password. */
async function signIn (origin: string, user = 'ada'): Promise<{ readonly client: TwoFactorClient, readonly fetch: Fetch }> {
  const fetch = createJar()
  await fetch(`${origin}/login/${user}`, { method: 'POST', headers: {}, credentials: 'same-origin', redirect: 'manual' })
  return { client: createTwoFactorClient({ baseUrl: `${origin}/2fa/`, fetch }), fetch }
}

const status = async (fetch: Fetch, url: string, headers = {}) =>
  (await fetch(url, { method: 'GET', headers, credentials: 'same-origin', redirect: 'manual' })).status

t.test('with sessions: the whole story of a user', async t => {
  const { origin, clock } = await listen(t)
  const { client: ada, fetch } = await signIn(origin)
  t.match(await ada.status(), { enabled: false, verified: false, authenticators: [] })

  const setup = await ada.beginSetup()
  t.match(setup, { secret: /^[A-Z2-7]{32}$/, uri: /^otpauth:/, qrSvg: /^<svg/, expiresAt: /Z$/ })
  const { secret } = setup
  await t.rejects(ada.confirmSetup(wrongCode(secret, clock)), { code: 'FST_2FA_INVALID_CODE', status: 401 })
  const { recoveryCodes, ...confirmed } = await ada.confirmSetup(codeAt(secret, clock), { name: 'Phone' })
  t.same(confirmed, { enabled: true })
  t.equal(await status(fetch, `${origin}/admin`), 200)
  const [phone] = await ada.authenticators.list()
  t.match(phone, { name: 'Phone', kind: 'local', digits: 6 })
  t.match(await ada.authenticators.rename(phone?.id ?? '', 'Old phone'), { name: 'Old phone' })
  await t.rejects(ada.authenticators.rename('none', 'x'), { code: 'FST_2FA_UNKNOWN_AUTHENTICATOR', status: 404 })

  const { client: second, fetch: secondFetch } = await signIn(origin)
  await t.rejects(second.disable('123456'), { code: 'FST_2FA_REQUIRED', status: 403, verifyUrl: '/2fa/verify' })
  clock.advance(30)
  t.same(await second.verify(codeAt(secret, clock), { trustDevice: true }), { verified: true })
  t.equal(await status(secondFetch, `${origin}/dashboard`), 200)
  t.match(await second.devices.list(), [{ current: true }])
  t.equal(await second.devices.revokeAll(), 1)
  clock.advance(30)
  await second.verify(codeAt(secret, clock), { trustDevice: true })
  const [device] = await second.devices.list()
  t.equal(await second.devices.revoke(device?.id ?? ''), undefined)
  await t.rejects(ada.devices.revoke('none'), { code: 'FST_2FA_UNKNOWN_DEVICE' })

  const { client: third } = await signIn(origin)
  t.match(await third.recover(recoveryCodes[0] ?? ''), { verified: true, recoveryCodesLeft: 4 })
  const renewed = await third.regenerateRecoveryCodes()
  t.equal(renewed.length, 5)
  await t.rejects(third.recover(recoveryCodes[1] ?? ''), { code: 'FST_2FA_INVALID_CODE' })

  const { client: fourth } = await signIn(origin)
  t.same(await fourth.methods.list(), [{ name: 'mail', label: 'Send me a code' }])
  t.equal(await fourth.methods.start('mail'), undefined)
  t.same(await fourth.methods.verify('mail', 'right'), { verified: true })
  await t.rejects(fourth.methods.start('none'), { code: 'FST_2FA_UNKNOWN_METHOD', status: 404 })

  const further = await fourth.beginSetup()
  t.same(await fourth.confirmSetup(codeAt(further.secret, clock)), { enabled: true, recoveryCodes: [] })
  const [, other] = await fourth.authenticators.list()
  t.same(await fourth.authenticators.remove(other?.id ?? ''), { removed: true, enabled: true })
  clock.advance(60)
  await fourth.disable(codeAt(secret, clock))
  t.match(await fourth.status(), { enabled: false })
  await t.rejects(fourth.regenerateRecoveryCodes(), { code: 'FST_2FA_NOT_ENABLED', status: 409 })
})

t.test('a refusal says all that the host said', async t => {
  const { origin, clock } = await listen(t)
  await t.rejects(createTwoFactorClient({ baseUrl: `${origin}/2fa` }).status(), new TwoFactorApiError('Sign in first', {
    code: 'FST_2FA_UNAUTHENTICATED', status: 401
  }))
  const { client } = await signIn(origin)
  const { secret } = await client.beginSetup()
  await client.confirmSetup(codeAt(secret, clock))
  const { client: password } = await signIn(origin)
  await t.rejects(password.verify(codeAt(secret, clock, 6)), { code: 'FST_2FA_INVALID_CODE', clockOffset: 180, retryAfter: undefined })
  for (let guess = 0; guess < 4; guess++) await password.verify(wrongCode(secret, clock)).catch(() => {})
  await t.rejects(password.verify(codeAt(secret, clock)), { code: 'FST_2FA_LOCKED', status: 429, retryAfter: 60 })
  await t.rejects(password.verify('12345'), { code: 'FST_ERR_VALIDATION', status: 400, message: /That is not a code/ })
  await t.rejects(password.regenerateRecoveryCodes(), { name: 'TwoFactorApiError', code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' })
})

t.test('with bearer tokens: the client keeps the setup token and the proof token, and sends them', async t => {
  const { origin, clock } = await listen(t, {
    trustedDevices: false,
    proof: bearerProof({ header: 'X-Proof' }),
    getUser: ({ headers }) => headers.authorization?.startsWith('Bearer ada') ? { id: 'ada', label: 'ada' } : null
  })
  const baseUrl = `${origin}/2fa`
  const ada = createTwoFactorClient({ baseUrl, bearer: { token: 'ada-1', proofHeader: 'x-proof' } })
  const { secret } = await ada.beginSetup()
  const { recoveryCodes } = await ada.confirmSetup(codeAt(secret, clock))
  await t.rejects(ada.confirmSetup(codeAt(secret, clock)), { code: 'FST_2FA_SETUP_EXPIRED' }, 'the token of the setup is gone')
  t.match(await ada.status(), { verified: true })
  t.equal(await status(fetch as Fetch, `${origin}/dashboard`, await ada.proofHeaders()), 200)

  const kept: Array<string | undefined> = []
  const store = { get: async () => kept.at(-1), set: async (token: string | undefined) => { kept.push(token) } }
  const options = { token: () => 'ada-2', proofHeader: 'x-proof', proofStore: store }
  const phone = createTwoFactorClient({ baseUrl, bearer: options, headers: () => ({ 'user-agent': 'Acme' }) })
  t.match(await phone.status(), { verified: false })
  clock.advance(30)
  t.match(await phone.verify(codeAt(secret, clock)), { verified: true, proofToken: kept[0] })
  t.equal(kept.length, 1)
  const restarted = createTwoFactorClient({ baseUrl, bearer: options })
  t.match(await restarted.status(), { verified: true }, 'what was kept is sent')
  await restarted.forget()
  t.match(await restarted.status(), { verified: false })
  t.match(await restarted.recover(recoveryCodes[0] ?? ''), { verified: true })
  clock.advance(30)
  await restarted.disable(codeAt(secret, clock))
  t.equal(kept.at(-1), undefined, 'a proof that is worth nothing is dropped')

  const again = await ada.beginSetup()
  const other = createTwoFactorClient({ baseUrl, bearer: { token: 'ada-1', proofHeader: 'x-proof' } })
  await other.confirmSetup(codeAt(again.secret, clock), { setupToken: again.setupToken ?? '' })
  const [only] = await other.authenticators.list()
  t.same(await other.authenticators.remove(only?.id ?? ''), { removed: true, enabled: false })
  t.notOk('x-proof' in await other.proofHeaders())
})

t.test('the client on the page of bearer tokens keeps its proof for the next start', async t => {
  const { origin, clock } = await listen(t, {
    trustedDevices: false,
    proof: bearerProof(),
    getUser: ({ headers }) => headers.authorization === 'Bearer ada' ? { id: 'ada', label: 'ada' } : null,
    after: app => app.get('/me', { config: { twoFactor: true } }, async () => ({ me: true }))
  })
  const real = globalThis.fetch
  t.teardown(() => { globalThis.fetch = real })
  globalThis.fetch = (url, init) => real(String(url).replace('https://api.example.com', origin), init)
  interface Connected { twoFactor: TwoFactorClient, me: () => Promise<Response>, signOut: () => Promise<void> }
  const { connect } = await load<{ connect: (token: () => Promise<string>, store: Map<string, string>) => Connected }>('client-bearer')

  const store = new Map<string, string>()
  const { twoFactor } = connect(async () => 'ada', store)
  const { secret } = await twoFactor.beginSetup()
  await twoFactor.confirmSetup(codeAt(secret, clock))
  const { me, signOut } = connect(async () => 'ada', store)
  t.equal((await me()).status, 200)
  await signOut()
  t.equal((await me()).status, 403)
})

/** A server that is not the plugin's. */
async function startOther (t: Pick<Test, 'teardown'>, answer: RequestListener): Promise<string> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await new Promise(resolve => server.once('listening', resolve))
  t.teardown(() => { server.closeAllConnections(); server.close() })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/2fa`
}

t.test('what is no answer of the plugin is an error that says so', async t => {
  let headers = {}
  const baseUrl = await startOther(t, (request, response) => {
    headers = request.headers
    const [status, type, body] = answers[Number(request.url?.split('/').at(-1))] ?? []
    response.writeHead(Number(status), { 'content-type': String(type), location: '/2fa/1' }).end(body)
  })
  const answers = [
    [502, 'text/html', '<h1>Bad Gateway</h1>'], [200, 'text/html', '<html>'], [200, 'application/json', 'null'], [200, 'application/json', '{"a'],
    [404, 'application/json', '{"message":"Route GET:/2fa/ not found","error":"Not Found","statusCode":404}'], [302, 'text/plain', ''], [204, 'application/json', '{}']
  ]
  for (const [index, [status, type]] of answers.entries()) {
    const client = createTwoFactorClient({ baseUrl, bearer: { token: 'x' }, fetch: (url, init) => fetch(url + index, init) })
    await t.rejects(client.status(), {
      name: 'TwoFactorApiError', code: 'UNEXPECTED_ANSWER', status, message: `GET / answered status ${status} and ${type}, which is not of the two-factor routes`
    }, String(status))
  }
  t.match(headers, { authorization: 'Bearer x', accept: 'application/json' })
})

t.test('a host that is not reached is an error of its own, with its cause', async t => {
  const baseUrl = await startOther(t, (_request, response) => response.destroy())
  await t.rejects(createTwoFactorClient({ baseUrl }).verify('123456'), {
    name: 'TwoFactorApiError', code: 'NETWORK_FAILURE', status: 0, message: /POST \/verify got no answer/, cause: TypeError
  })
})

t.test('a call is ended by its signal, with its reason', async t => {
  const baseUrl = await startOther(t, () => {})
  const stop = new AbortController()
  const client = createTwoFactorClient({ baseUrl })
  const calls = [client.status({ signal: stop.signal }), client.verify('123456', { signal: stop.signal }), client.devices.list({ signal: stop.signal })]
  const settled = Promise.allSettled(calls)
  const reason = new Error('The user left')
  stop.abort(reason)
  for (const result of await settled) t.equal(result.status === 'rejected' && result.reason, reason)
  await t.rejects(client.status({ signal: AbortSignal.timeout(1) }), { name: 'TimeoutError' })
})

t.test('an id that is none calls no other route', async t => {
  let calls = 0
  const baseUrl = await startOther(t, (_request, response) => {
    calls++
    response.end()
  })
  const client = createTwoFactorClient({ baseUrl })
  for (const id of ['', '.', '..']) {
    await t.rejects(client.devices.revoke(id), TypeError, id)
    await t.rejects(client.authenticators.remove(id), TypeError, id)
  }
  t.equal(calls, 0)
})

t.test('the codes of the client are those that it can get', async t => {
  const never = ['FST_2FA_BAD_OPTION', 'FST_2FA_BAD_SECRET', 'FST_2FA_CODE_REUSED', 'FST_2FA_FORBIDDEN', 'FST_2FA_UNKNOWN_USER']
  const ofPlugin = Object.values(errors).map(ErrorClass => new (ErrorClass as new (...given: unknown[]) => { code: string })('', '').code)
  const ofFastify = Object.values(refusals).map(refusal => refusal({ verifyUrl: '', setupUrl: '' }).code).filter(code => code.startsWith('FST_ERR'))
  const source = await readFile(new URL('../plugin/client/api-error.ts', import.meta.url), 'utf8')
  const listed = [...source.matchAll(/^ {2}\| '(\w+)'$/gm)].map(([, code = '']) => code)
  t.same(listed.sort(), [
    'NETWORK_FAILURE', 'UNEXPECTED_ANSWER', ...new Set([...ofPlugin.filter(code => !never.includes(code)), ...ofFastify])
  ].sort())
})

t.test('it compiles for a browser, without the types of Node.js', async t => {
  const program = ts.createProgram([new URL('../plugin/client/index.ts', import.meta.url).pathname], {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2022.d.ts', 'lib.dom.d.ts'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true
  })
  t.same(ts.getPreEmitDiagnostics(program).map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [])
})

t.test('in a browser: set up, pass, lock, recover and turn it off', { skip: withoutBrowser }, async t => {
  const host = await listen(t, {
    after (app) {
      const imports = { 'fastify-authenticator-2fa/client': '/client/index.js' }
      const html = `<!doctype html><title>Acme</title><script type="importmap">${JSON.stringify({ imports })}</script>`
      app.get('/app', (_request, reply) => reply.type('text/html').send(html))
      app.get('/page.js', async (_request, reply) =>
        reply.type('text/javascript').send(blankSpace(await readFile(snippet('client-page').file, 'utf8'))))
      app.get<{ Params: { '*': string } }>('/client/*', async (request, reply) => {
        const file = new URL(`../plugin/client/${request.params['*'].replace(/\.js$/, '.ts')}`, import.meta.url)
        return reply.type('text/javascript').send(blankSpace(await readFile(file, 'utf8')))
      })
    }
  })
  const { origin, clock } = host
  const page = await (await launchBrowser(t)).newPage()
  await page.exposeFunction('codeAt', (secret: string, seconds = 0) => {
    clock.advance(seconds)
    return codeAt(secret, clock)
  })
  await page.exposeFunction('wrongCode', (secret: string) => wrongCode(secret, clock))
  await page.goto(`${origin}/app`)
  const story = await page.evaluate(`(async () => {
    const { createTwoFactorClient, TwoFactorApiError } = await import('/client/index.js')
    const client = createTwoFactorClient()
    const refusal = call => call.then(() => 'none', error => error instanceof TwoFactorApiError ? error : String(error))
    const login = () => fetch('/login/ada', { method: 'POST' })
    const signedOut = (await refusal(client.status())).code
    await login()
    const { secret } = await client.beginSetup()
    const { recoveryCodes } = await client.confirmSetup(await codeAt(secret), { name: 'Phone' })
    const enrolled = await client.status()
    const { submit } = await import('/page.js')
    const form = [await submit(await wrongCode(secret)), await submit(await codeAt(secret, 30))]
    await fetch('/logout', { method: 'POST' })
    await login()
    const asked = await client.status()
    const wrong = []
    for (let guess = 0; guess < 6; guess++) {
      const { code, status, retryAfter } = await refusal(client.verify(await wrongCode(secret)))
      wrong.push([code, status, retryAfter])
    }
    await codeAt(secret, 60)
    const recovered = await client.recover(recoveryCodes[0])
    const renewed = await client.regenerateRecoveryCodes()
    const verified = await client.verify(await codeAt(secret, 30), { trustDevice: true })
    const devices = await client.devices.list()
    await client.disable(renewed[0])
    return { signedOut, enrolled, form, asked, wrong, recovered, renewed: renewed.length, verified, devices, last: await client.status() }
  })()`)
  t.match(story, {
    signedOut: 'FST_2FA_UNAUTHENTICATED',
    enrolled: { enabled: true, verified: true, authenticators: [{ name: 'Phone' }] },
    form: [/^That code is not right/, undefined],
    asked: { enabled: true, verified: false, authenticators: null },
    wrong: [...Array<unknown>(5).fill(['FST_2FA_INVALID_CODE', 401, undefined]), ['FST_2FA_LOCKED', 429, 60]],
    recovered: { verified: true, recoveryCodesLeft: 4 },
    renewed: 5,
    verified: { verified: true },
    devices: [{ label: / on /, current: true }],
    last: { enabled: false }
  })
})
