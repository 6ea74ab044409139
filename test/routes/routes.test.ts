import { createHash } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import session from '@fastify/session'
import Fastify from 'fastify'
import cookie from '@fastify/cookie'
import t, { type Test } from 'tap'
import twoFactor, { kyselyStorage, type TwoFactorOptions } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import {
  buildHost as buildWith, Client, codeAt, encryptionKeys, enrol, intercept, signIn, wrongCode, type HostOptions
} from '../helpers/host.js'

const buildHost = (t: Test, options: HostOptions = {}) => buildWith(t, { recoveryCodes: 5, ...options })

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8'

t.test('a program gets JSON and a browser gets pages, by what it accepts or sends', async t => {
  const host = await buildHost(t)
  const { client } = await enrol(host)
  const typeOf = async (accept?: string) => {
    const { headers } = await client.request({ method: 'GET', url: '/2fa', headers: accept === undefined ? {} : { accept } })
    return String(headers['content-type']).split(';', 1)[0]
  }
  for (const accept of [undefined, '', '*/*', 'application/json', 'application/json, text/plain, */*']) t.equal(await typeOf(accept), 'application/json', String(accept))
  for (const accept of ['text/html', browser]) t.equal(await typeOf(accept), 'text/html', accept)

  const password = await signIn(host)
  const post = (headers: Record<string, string>) => password.request({
    method: 'POST', url: '/2fa/verify', payload: 'code=000', headers: { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', ...headers }
  })
  t.match((await post({})).headers, { 'content-type': /^text\/html/ }, 'a form is a browser\'s')
  t.match((await post({ accept: 'application/json' })).headers, { 'content-type': /^application\/json/ }, 'unless it asks for JSON')
  t.match((await password.request({ method: 'POST', url: '/2fa/verify', payload: { code: '000' }, headers: { accept: browser } })).headers, { 'content-type': /^text\/html/ })
})

t.test('pages: false answers JSON to everybody', async t => {
  const host = await buildHost(t, { pages: false })
  const { client } = await enrol(host)
  for (const url of ['/2fa', '/2fa/setup', '/2fa/verify', '/2fa/recover']) t.match((await client.page(url)).headers, { 'content-type': /^application\/json/ }, url)
  t.match((await client.form('/2fa/verify', { code: '000' })).headers, { 'content-type': /^application\/json/ })
  t.match((await client.form('/2fa/recovery-codes')).json(), { recoveryCodes: Array })
  t.match((await new Client(host.app).page('/2fa')).json(), { statusCode: 401 })
})

// Recovery codes are copied and printed by it. Nothing else has a script.
const pageScript = '<script type="module" src="/2fa/page.js"></script>'
const style = (body: string) => createHash('sha256').update(/<style>([^]*?)<\/style>/.exec(body)?.[1] ?? '').digest('base64')

t.test('W6 every reply of the plugin is kept out of caches and of referrers; pages go into no frame, and run no script in them', async t => {
  const host = await buildHost(t, { rateLimit: { max: 60 } })
  const { client } = await enrol(host)
  const password = await signIn(host)
  const gets = ['/2fa', '/2fa/', '/2fa/setup', '/2fa/verify', '/2fa/recover']
  const posts = ['/2fa/setup', '/2fa/setup/confirm', '/2fa/verify', '/2fa/recover', '/2fa/recovery-codes', '/2fa/disable']
  for (const who of [client, password, new Client(host.app)]) {
    const replies = [
      ...await Promise.all(gets.flatMap(url => [who.get(url), who.page(url), who.request({ method: 'HEAD', url })])),
      ...await Promise.all(posts.flatMap(url => [who.post(url, { code: '000' }), who.form(url, { code: '000' })])),
      await who.request({ method: 'POST', url: '/2fa/verify', payload: '<x/>', headers: { 'content-type': 'text/xml' } }),
      await who.request({ method: 'POST', url: '/2fa/verify', payload: {}, headers: { origin: 'https://evil.example', accept: 'text/html' } })
    ]
    for (const { headers, statusCode, body } of replies) {
      t.match(headers, { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', vary: /\bAccept\b/ }, String(statusCode))
      if (!String(headers['content-type']).startsWith('text/html')) continue
      const policy = `default-src 'none'; style-src 'sha256-${style(body)}'; script-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`
      t.match(headers, {
        'content-security-policy': policy,
        'x-frame-options': 'DENY',
        'x-content-type-options': 'nosniff'
      })
    }
  }
})

t.test('A5 E5 pages hold no script of their own, no style of elements and nothing from elsewhere', async t => {
  const host = await buildHost(t)
  const { client } = await enrol(host)
  const password = await signIn(host)
  const pages = [
    await client.page('/2fa'), await client.page('/2fa/setup'), await password.page('/2fa'), await password.page('/2fa/verify'), await password.page('/2fa/recover'),
    await client.form('/2fa/recovery-codes'), await password.form('/2fa/verify', { code: '1' }), await (await signIn(host, 'eve')).page('/2fa'),
    await (await signIn(host, 'eve')).page('/2fa/setup'), await new Client(host.app).page('/2fa')
  ]
  for (const { body } of pages) {
    t.match(body, /^<!doctype html>\n<html lang="en" dir="ltr">/)
    t.notMatch(body.replace(pageScript, ''), /<script|javascript:| on\w+=| style="|@import|url\(/i)
    const links = [...body.matchAll(/ (?:href|src|action)="([^"]*)"/g)].map(([, link = '']) => link)
    for (const link of links) t.match(link, /^(\/(?!\/)|otpauth:|data:text\/plain;)/, link)
    t.equal(body.split(pageScript).length, 2, 'but for the one script')
  }
})

t.test('the body of a refusal is in Fastify\'s own shape', async t => {
  const host = await buildHost(t)
  await enrol(host)
  const password = await signIn(host)
  t.same((await new Client(host.app).get('/2fa')).json(), { statusCode: 401, code: 'FST_2FA_UNAUTHENTICATED', error: 'Unauthorized', message: 'Sign in first' })
  t.same((await password.post('/2fa/recovery-codes')).json(), {
    statusCode: 403, code: 'FST_2FA_REQUIRED', error: 'Forbidden', message: 'Enter the code from your authenticator app to go on', verifyUrl: '/2fa/verify'
  })
})

t.test('an error of the host\'s without a code keeps its status', async t => {
  const unauthorized = () => { throw Object.assign(new Error('Token expired'), { statusCode: 401 }) }
  const { app } = await buildHost(t, { getUser: unauthorized })
  t.match((await app.inject('/2fa')).json(), { statusCode: 401, message: 'Token expired' }, 'of getUser')

  const hooked = await buildHost(t, { before (app) { app.addHook('preHandler', async request => { if (request.headers['x-no']) unauthorized() }) } })
  t.match((await hooked.app.inject({ url: '/2fa', headers: { 'x-no': '1' } })).json(), { statusCode: 401 }, 'of a hook')
  t.equal((await hooked.app.inject({ url: '/2fa', headers: { 'x-no': '1', accept: 'text/html' } })).statusCode, 401, 'on a page')
})

t.test('an error of the host\'s that is no refusal is a 503 that tells nothing, and is logged', async t => {
  const lines: string[] = []
  const { app } = await buildHost(t, {
    server: { logger: { level: 'error', stream: { write: line => lines.push(line) } } },
    getUser: () => { throw new Error('ldap://10.0.0.1 password=hunter2') }
  })
  for (const accept of ['text/html', 'application/json']) {
    const response = await app.inject({ url: '/2fa', headers: { accept } })
    t.equal(response.statusCode, 503)
    t.equal(response.headers['retry-after'], '5')
    t.notMatch(response.body, /ldap|hunter2/)
  }
  t.equal(lines.length, 2)
  t.match(lines[0], /ldap/)
})

t.test('rateLimit: by default an address may send 100 requests a minute to all places that take a code', async t => {
  const host = await buildHost(t)
  const client = await signIn(host)
  const post = (url: string, remoteAddress = '10.0.0.1', headers = {}) => client.request({ method: 'POST', url, payload: { code: '000' }, remoteAddress, headers })
  for (let count = 0; count < 100; count++) {
    const url = ['/2fa/verify', '/2fa/recover', '/2fa/disable', '/2fa/setup/confirm'][count % 4] ?? ''
    t.equal((await post(url)).statusCode, 400)
  }
  for (const url of ['/2fa/verify', '/2fa/setup', '/2fa/recovery-codes']) {
    const limited = await post(url)
    t.match(limited.json(), { statusCode: 429, code: 'FST_2FA_TOO_MANY_REQUESTS', error: 'Too Many Requests' })
    t.match(limited.headers['retry-after'], /^\d+$/)
  }
  const page = await post('/2fa/verify', '10.0.0.1', { accept: 'text/html' })
  t.equal(page.statusCode, 429)
  t.match(page.headers['content-type'], /^text\/html/)
  t.match(page.body, /Too many requests\. You can try again in/)
  t.equal((await post('/2fa/verify', '10.0.0.2')).statusCode, 400, 'another address has its own')
  t.equal((await client.request({ method: 'GET', url: '/2fa/verify', remoteAddress: '10.0.0.1' })).statusCode, 200, 'the pages are not limited')
  t.equal((await client.request({ method: 'GET', url: '/public', remoteAddress: '10.0.0.1' })).statusCode, 200, 'nor the host\'s routes')
})

const limit = { rateLimit: { max: 3, timeWindow: 60_000 } } as const

async function statuses (client: Client, count: number, url = '/2fa/verify', headers: (index: number) => Record<string, string> = () => ({})) {
  const seen = []
  for (let index = 0; index < count; index++) seen.push((await client.request({ method: 'POST', url, payload: { code: '000' }, headers: headers(index) })).statusCode)
  return seen
}

t.test('G3 forged forwarding headers are not trusted', async t => {
  const host = await buildHost(t, limit)
  const forged = (index: number) => ({ 'x-forwarded-for': `10.1.1.${index}`, forwarded: `for=10.1.1.${index}`, 'x-real-ip': `10.1.1.${index}`, 'cf-connecting-ip': `10.1.1.${index}` })
  t.same(await statuses(await signIn(host), 5, '/2fa/verify', forged), [400, 400, 400, 429, 429])
})

t.test('G3 the addresses of one IPv6 network share their limit', async t => {
  const host = await buildHost(t, limit)
  const client = await signIn(host)
  const seen = []
  for (let index = 1; index <= 5; index++) {
    seen.push((await client.request({ method: 'POST', url: '/2fa/verify', payload: { code: '000' }, remoteAddress: `2001:db8:0:1::${index}` })).statusCode)
  }
  t.same(seen, [400, 400, 400, 429, 429])
})

t.test('G10 the limit is enforced beside a limiter of the host, in either order, and neither silences the other', async t => {
  const own = { max: 6, timeWindow: 60_000 }
  const places: Record<string, HostOptions> = {
    before: { before: async app => { await app.register(rateLimit, { ...own, global: false }) } },
    'before, global': { before: async app => { await app.register(rateLimit, { ...own, max: 1000 }) } },
    after: { after: async app => { await app.register(rateLimit, own) } },
    none: {}
  }
  for (const [name, place] of Object.entries(places)) {
    const host = await buildHost(t, {
      ...limit,
      ...place,
      async after (app) {
        await place.after?.(app)
        app.post('/host', { config: { twoFactor: false, rateLimit: own } }, async () => ({}))
      }
    })
    const client = await signIn(host)
    t.same(await statuses(client, 5), [400, 400, 400, 429, 429], name)
    if (name === 'none') continue
    t.same(await statuses(client, 8, '/host'), [200, 200, 200, 200, 200, 200, 429, 429], `${name}: the host's own`)
  }
})

t.test('G10 a stricter limiter of the host answers 429 on the plugin\'s routes too', async t => {
  const host = await buildHost(t, {
    before: async app => { await app.register(rateLimit, { max: 2, timeWindow: 60_000 }) }
  })
  const client = new Client(host.app)
  const seen = await statuses(client, 4)
  t.same(seen, [400, 400, 429, 429])
  const page = await client.request({ method: 'POST', url: '/2fa/verify', payload: {}, headers: { accept: 'text/html' } })
  t.equal(page.statusCode, 429)
})

class BrokenStore {
  incr (_key: string, callback: (error: Error | null) => void) {
    callback(new Error('redis down'))
  }

  child () {
    return this
  }
}

t.test('D2 a limiter whose store fails answers 503, and with skipOnError the account\'s own limit holds', async t => {
  const store = BrokenStore as unknown as NonNullable<TwoFactorOptions['rateLimit'] & object>['store'] & object
  const host = await buildHost(t, { rateLimit: { store } })
  const client = await signIn(host)
  const response = await client.post('/2fa/verify', { code: '123456' })
  t.match(response.json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' })
  t.notMatch(response.body, /redis/)

  const lenient = await buildHost(t, { rateLimit: { store, skipOnError: true } })
  const { secret } = await enrol(lenient)
  const seen = []
  for (let count = 0; count < 8; count++) seen.push((await (await signIn(lenient)).post('/2fa/verify', { code: wrongCode(secret, lenient.clock) })).statusCode)
  t.same(seen, [401, 401, 401, 401, 401, 429, 429, 429])
})

t.test('rateLimit: false leaves it to the host, and its own settings reach the limiter', async t => {
  const open = await buildHost(t, { rateLimit: false })
  t.notOk((await statuses(await signIn(open), 120)).includes(429))
  const keyed = await buildHost(t, { rateLimit: { max: 1, keyGenerator: request => String(request.headers['x-key']) } })
  const client = await signIn(keyed)
  t.same(await statuses(client, 3, '/2fa/verify', index => ({ 'x-key': String(index) })), [400, 400, 400])
  t.same(await statuses(client, 2, '/2fa/verify', () => ({ 'x-key': '0' })), [429, 429])
})

/** An app that is registered with these options, and somebody signed in by a header. */
async function register (t: Test, options: Record<string, unknown>, prefix?: string) {
  const storage = kyselyStorage(await openDatabase())
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cookie)
  await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false } })
  await app.register(async child => {
    await child.register(twoFactor, {
      issuer: 'Acme', encryptionKeys, storage, getUser: () => ({ id: 'ada', label: 'ada' }), ...options
    } as TwoFactorOptions)
    child.get('/vault', { config: { twoFactor: 'required' } }, async () => ({}))
  }, prefix === undefined ? {} : { prefix })
  await app.ready()
  return app
}

t.test('prefix moves the routes, and joins with the prefix of the context', async t => {
  for (const [prefix, outer, base] of [
    [undefined, undefined, '/2fa'], ['/account/two-factor', undefined, '/account/two-factor'], ['/mfa', '/app', '/app/mfa'], ['/mfa', '/app/', '/app/mfa'], [undefined, '/', '/2fa']
  ] as const) {
    const app = await register(t, { ...(prefix && { prefix }) }, outer)
    for (const path of ['', '/', '/setup', '/verify', '/recover']) t.equal((await app.inject(base + path)).statusCode, 200, base + path)
    t.equal((await app.inject({ url: `${base}/setup`, headers: { accept: 'text/html' } })).body.includes(`action="${base}/setup/confirm"`), true)
    const vault = `${(outer ?? '').replace(/\/$/, '')}/vault`
    t.match((await app.inject(vault)).json(), { setupUrl: `${base}/setup` })
    t.equal((await app.inject({ url: vault, headers: { accept: 'text/html' } })).headers.location, `${base}/setup?next=${encodeURIComponent(vault)}`)
  }
})

t.test('the pages of a context with a parameter in its prefix lead to the context that was asked', async t => {
  const app = await register(t, {}, '/:tenant')
  t.match((await app.inject('/acme/vault')).json(), { setupUrl: '/acme/2fa/setup' })
  const accept = 'text/html'
  t.match((await app.inject({ url: '/acme/2fa/setup', headers: { accept } })).body, /action="\/acme\/2fa\/setup\/confirm"/)
  for (const tenant of ['%2Fevil.example', '%5Cevil.example', '%22%3E%3Cscript%3E', '%3Ftenant', '%0D%0Ax', ':tenant', '%25']) {
    const { statusCode, headers: { location } } = await app.inject({ url: `/${tenant}/vault`, headers: { accept } })
    t.equal(statusCode, 303, tenant)
    const { origin, pathname } = new URL(String(location), 'https://app.example.com')
    t.equal(origin, 'https://app.example.com')
    t.equal(decodeURIComponent(pathname), `/${decodeURIComponent(tenant)}/2fa/setup`)
  }
})

t.test('routes: false and prefix: false register no routes, and refusals lead where the host says', async t => {
  for (const options of [{ routes: false }, { prefix: false }]) {
    const app = await register(t, { ...options, verifyUrl: '/code', setupUrl: '/enrol' })
    for (const url of ['/2fa', '/setup', '/verify', '/']) t.equal((await app.inject(url)).statusCode, 404, url)
    t.match((await app.inject('/vault')).json(), { code: 'FST_2FA_SETUP_REQUIRED', setupUrl: '/enrol' })
    t.equal((await app.inject({ url: '/vault', headers: { accept: 'text/html' } })).headers.location, '/enrol?next=%2Fvault')
  }
})

t.test('the plugin\'s routes leave the host\'s parsers, schemas and handlers alone', async t => {
  const host = await buildHost(t, {
    after (app) {
      app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, body))
      app.post('/echo', { config: { twoFactor: false }, schema: { body: { type: 'object', properties: { count: { type: 'integer' } } } } }, async request => request.body)
      app.post('/csv', { config: { twoFactor: false } }, async request => ({ body: request.body }))
    }
  })
  t.same((await host.app.inject({ method: 'POST', url: '/echo', payload: { count: '5' } })).json(), { count: 5 }, 'which coerces as Fastify does')
  t.same((await host.app.inject({ method: 'POST', url: '/csv', payload: 'a,b', headers: { 'content-type': 'text/csv' } })).json(), { body: 'a,b' })
  t.equal((await host.app.inject({ method: 'POST', url: '/2fa/verify', payload: 'a,b', headers: { 'content-type': 'text/csv' } })).statusCode, 415)
  t.equal((await host.app.inject({ method: 'POST', url: '/echo', payload: 'x=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } })).statusCode, 415)
  const { headers } = await host.app.inject('/public')
  t.equal(headers['cache-control'], undefined)
})

t.test('router options of the host hold for the plugin\'s routes', async t => {
  const routerOptions = { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true }
  const host = await buildHost(t, { server: { routerOptions } })
  const client = await signIn(host)
  for (const url of ['/2FA', '/2fa/', '/2FA/Verify/', '/2fa//setup']) t.equal((await client.get(url)).statusCode, 200, url)
  t.equal((await client.post('/2FA/VERIFY/', { code: '000' })).statusCode, 400)
})

t.test('W7 logs of every level and answers hold no secret, no code and no cookie', async t => {
  let log = ''
  let down = false
  const storage = kyselyStorage(await openDatabase())
  const host = await buildHost(t, {
    rateLimit: false,
    server: { logger: { level: 'trace', stream: { write: line => { log += line } } } },
    storage: intercept(storage, () => { if (down) throw new Error('down') }),
    onEvent: () => { throw new Error('listener down') }
  })
  const ada = await enrol(host)
  const { client, secret, recoveryCodes } = ada
  const secrets = new Set([secret, ...recoveryCodes])
  const cookies = new Set<string>()
  const answers: string[] = []
  const note = async (who: Client, answer: Promise<{ body: string }>) => {
    answers.push((await answer).body)
    for (const value of Object.values(who.cookies)) cookies.add(value)
  }
  const use = (code: string) => {
    secrets.add(code)
    return code
  }
  await note(client, client.get('/2fa'))
  const second = (await client.post('/2fa/setup')).json<{ secret: string }>()
  secrets.add(second.secret)
  const setupPage = await client.page('/2fa/setup')
  t.ok(setupPage.body.includes(second.secret.match(/.{4}/g)?.join(' ') ?? ''), 'shown where it must be')
  secrets.add(second.secret.match(/.{4}/g)?.join(' ') ?? '')
  const password = await signIn(host)
  await note(password, password.page('/2fa/verify?next=/dashboard'))
  await note(password, password.post('/2fa/verify', { code: use('975310') }))
  await note(password, password.form('/2fa/verify', { code: use('135 792'), next: '/dashboard' }))
  for (const payload of ['{"code":"864209"', '{"code":"864209",}', '{"code":864209x}', '{"code":"864209","code":"864209"}']) {
    await note(password, password.request({ method: 'POST', url: '/2fa/verify', payload, headers: { 'content-type': 'application/json' } }))
  }
  await note(password, password.post('/2fa/verify', { code: use('864209x') }))
  await note(password, password.post('/2fa/verify', { code: use('864209'), other: 1 }))
  await note(password, password.post('/2fa/recover', { code: use('QWER-TYUP-ASDF-GHJK') }))
  host.clock.advance(30)
  down = true
  await note(password, password.post('/2fa/verify', { code: use(codeAt(secret, host.clock)) }))
  await note(password, password.page('/2fa'))
  await note(password, password.get('/dashboard'))
  down = false
  await note(password, password.post('/2fa/verify', { code: codeAt(secret, host.clock) }))
  await note(password, password.post('/2fa/verify', { code: codeAt(secret, host.clock) }))
  await note(password, password.post('/2fa/recover', { code: recoveryCodes[0] ?? '' }))
  await note(password, password.form('/2fa/disable', { code: recoveryCodes[1] ?? '' }))
  await note(client, client.get('/2fa', { authorization: 'Bearer hunter2hunter2' }))
  secrets.add('hunter2hunter2')

  t.ok(log.split('\n').length > 50, 'the log of every request is there')
  t.match(log, /listener down/)
  for (const value of secrets) {
    t.notOk(log.includes(value), `log: ${value.slice(0, 3)}`)
    t.notOk(answers.some(answer => answer.includes(value)), `answers: ${value.slice(0, 3)}`)
  }
  for (const cookie of cookies) {
    t.notOk(log.includes(cookie) || log.includes(encodeURIComponent(cookie)) || log.includes(cookie.split('.', 1)[0] ?? cookie), 'cookie')
    t.notOk(answers.some(answer => answer.includes(cookie.split('.', 1)[0] ?? cookie)))
  }
})
