import cookie from '@fastify/cookie'
import session from '@fastify/session'
import websocket from '@fastify/websocket'
import fc from 'fast-check'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions } from 'fastify'
import { request as httpRequest } from 'node:http'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import twoFactor, {
  errors, kyselyStorage, type TwoFactorOptions, type TwoFactorPolicy, type TwoFactorStorage
} from '../plugin/index.js'
import { openDatabase } from './helpers/database.js'
import { buildHost, Client, codeAt, createClock, encryptionKeys, enrolByImport, intercept, signIn } from './helpers/host.js'

const openStorage = async () => kyselyStorage(await openDatabase())
const ok = async () => ({ ok: true })
const marked = { config: { twoFactor: true } } as const

/** What every registration of these tests gives. Nobody is signed in but who says so in the header `x-user`. */
function optionsOf (storage: TwoFactorStorage, more: Partial<TwoFactorOptions> = {}): TwoFactorOptions {
  return {
    issuer: 'Acme',
    encryptionKeys,
    storage,
    getUser: ({ headers: { 'x-user': id } }) => typeof id === 'string' ? { id, label: id } : null,
    ...more
  }
}

/** An app with sessions whose plugins are all registered in a row, without waiting for any. */
function declare (t: Test, build: (app: FastifyInstance) => void, server?: FastifyServerOptions): FastifyInstance {
  const app = Fastify(server)
  t.teardown(() => app.close())
  app.register(cookie)
  app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false })
  build(app)
  return app
}

/** Sends this very path: `inject` would tidy it first. */
function statusOf (port: number, path: string, method = 'GET'): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port, path, method }, response => {
      response.resume()
      resolve(response.statusCode ?? 0)
    }).on('error', reject).end()
  })
}

async function listen (app: FastifyInstance): Promise<number> {
  return Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port)
}

t.test('W1 every method of a marked route is guarded, HEAD and OPTIONS too', async t => {
  const host = await buildHost(t, {
    after (app) {
      app.addHttpMethod('PROPFIND')
      app.route({ method: app.supportedMethods, url: '/every', ...marked, handler: ok })
    }
  })
  const { client } = await enrolByImport(host)
  const password = await signIn(host)
  const stranger = new Client(host.app)
  for (const method of host.app.supportedMethods as Array<NonNullable<InjectOptions['method']>>) {
    const options: InjectOptions = { method, url: '/every', ...(method as string === 'QUERY' && { payload: {} }) }
    t.equal((await stranger.request(options)).statusCode, 401, `${method} of nobody`)
    t.equal((await password.request(options)).statusCode, 403, `${method} with the password alone`)
    t.equal((await client.request(options)).statusCode, 200, `${method} after a pass`)
  }
  t.equal((await password.request({ method: 'HEAD', url: '/dashboard' })).statusCode, 403, 'the HEAD that comes with a GET')
})

t.test('W1 protect all covers unmarked routes and leaves out exempt ones', async t => {
  const host = await buildHost(t, {
    protect: 'all',
    after (app) {
      app.get('/unmarked', ok)
      app.register(async child => { child.register(async child => child.get('/deep', ok), { prefix: '/b' }) }, { prefix: '/a' })
      app.get('/login', { config: { twoFactor: false } }, ok)
    }
  })
  const { client } = await enrolByImport(host)
  const password = await signIn(host)
  for (const url of ['/unmarked', '/a/b/deep', '/dashboard']) {
    t.equal((await host.app.inject(url)).statusCode, 401, url)
    t.equal((await password.get(url)).statusCode, 403, url)
    t.equal((await client.get(url)).statusCode, 200, url)
  }
  t.equal((await host.app.inject('/login')).statusCode, 200)
  t.equal((await host.app.inject('/public')).statusCode, 200)
  t.equal((await (await signIn(host, 'eve')).get('/unmarked')).statusCode, 200, 'who has no two-factor is let in, as by true')
})

t.test('W1 protect all covers the not-found handlers, so that nobody learns which routes there are', async t => {
  const host = await buildHost(t, { protect: 'all' })
  const own = await buildHost(t, {
    protect: 'all',
    after (app) {
      app.setNotFoundHandler((_request, reply) => reply.code(200).send({ fallback: true }))
      app.register(async child => {
        child.setNotFoundHandler((_request, reply) => reply.code(200).send({ fallback: 'child' }))
      }, { prefix: '/child' })
    }
  })
  for (const { app } of [host, own]) {
    for (const url of ['/nothing', '/child/nothing', '/2fa/nothing', '/%2']) {
      for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS'] as const) {
        const { statusCode } = await app.inject({ method, url })
        t.equal(statusCode, url === '/%2' ? 400 : 401, `${method} ${url}`)
      }
    }
  }
  const { client } = await enrolByImport(own)
  t.same((await client.get('/nothing')).json(), { fallback: true })
  t.same((await client.get('/child/nothing')).json(), { fallback: 'child' })
  const password = await signIn(own)
  t.match((await password.get('/child/nothing')).json(), { code: 'FST_2FA_REQUIRED' })
})

t.test('W1 a not-found handler is open under protect marked, and does not show that a route is not there', async t => {
  const host = await buildHost(t)
  t.equal((await host.app.inject('/nothing')).statusCode, 404)
  t.equal((await host.app.inject({ method: 'PUT', url: '/dashboard' })).statusCode, 404)
})

t.test('W1 reply.callNotFound in an open route does not open the guarded handler', async t => {
  const host = await buildHost(t, {
    protect: 'all',
    after (app) {
      app.setNotFoundHandler((_request, reply) => reply.code(200).send({ fallback: true }))
      app.get('/open', { config: { twoFactor: false } }, (_request, reply) => { reply.callNotFound() })
    }
  })
  t.equal((await host.app.inject('/open')).statusCode, 401)
})

t.test('W1 websocket upgrades are guarded before there is a socket', async t => {
  const host = await buildHost(t, {
    before: async app => { await app.register(websocket) },
    after (app) {
      app.get('/socket', { websocket: true, ...marked }, socket => socket.send('secret'))
      app.route({ method: 'GET', url: '/both', ...marked, handler: ok, wsHandler: socket => socket.send('secret') })
      app.register(async child => {
        child.get('/socket', { websocket: true, preHandler: app.requireTwoFactor('required') }, socket => socket.send('secret'))
      }, { prefix: '/child' })
    }
  })
  const { client } = await enrolByImport(host)
  const password = await signIn(host)
  const stranger = new Client(host.app)
  const port = await listen(host.app)

  const connect = (path: string, { cookies }: Client) => new Promise<string>((resolve, reject) => {
    const cookie = Object.entries(cookies).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('; ')
    const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { cookie } })
    socket.on('message', data => {
      resolve(String(data))
      socket.close()
    })
    socket.on('unexpected-response', (request, response) => {
      resolve(`refused ${response.statusCode}`)
      request.destroy()
    })
    socket.on('error', reject)
    socket.on('close', () => resolve('closed'))
  })

  for (const path of ['/socket', '/both', '/child/socket']) {
    t.equal(await connect(path, stranger), 'refused 401', path)
    t.equal(await connect(path, password), 'refused 403', path)
    t.equal(await connect(path, client), 'secret', path)
  }
})

t.test('W1 routes and contexts declared before and after the plugin, in a row and without await, are guarded', async t => {
  const storage = await openStorage()
  const app = declare(t, app => {
    app.get('/before', marked, ok)
    app.register(twoFactor, optionsOf(storage))
    app.get('/after', marked, ok)
    app.register(async child => {
      child.get('/here', marked, ok)
      child.register(async deeper => deeper.get('/here', marked, ok), { prefix: '/two' })
      await new Promise(resolve => setImmediate(resolve))
      child.get('/later', marked, ok)
    }, { prefix: '/one' })
    app.after(() => { app.get('/in-after', marked, ok) })
  })
  await app.ready()
  for (const url of ['/before', '/after', '/one/here', '/one/two/here', '/one/later', '/in-after']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
    t.equal((await app.inject({ method: 'HEAD', url })).statusCode, 401, `HEAD ${url}`)
    t.equal((await app.inject({ url, headers: { 'x-user': 'ada' } })).statusCode, 200, url)
  }
})

t.test('W1 protect all covers what was declared before the plugin in the same context', async t => {
  const storage = await openStorage()
  const app = declare(t, app => {
    app.get('/before', ok)
    app.setNotFoundHandler((_request, reply) => reply.code(200).send({}))
    app.register(twoFactor, optionsOf(storage, { protect: 'all' }))
  })
  await app.ready()
  t.equal((await app.inject('/before')).statusCode, 401)
  t.equal((await app.inject('/nothing')).statusCode, 401)
})

t.test('W1 child contexts that were registered before the plugin are guarded too', async t => {
  for (const awaited of [true, false]) {
    for (const protect of ['marked', 'all'] as const) {
      const storage = await openStorage()
      const app = declare(t, app => {
        app.register(async child => {
          child.get('/early', protect === 'marked' ? marked : {}, ok)
          child.register(async deeper => deeper.get('/early', protect === 'marked' ? marked : {}, ok), { prefix: '/deeper' })
          child.setNotFoundHandler((_request, reply) => reply.code(200).send({}))
        }, { prefix: '/child' })
      })
      if (awaited) await app.after()
      app.register(twoFactor, optionsOf(storage, { protect }))
      await app.ready()
      for (const url of ['/child/early', '/child/deeper/early', ...protect === 'all' ? ['/child/nothing'] : []]) {
        t.equal((await app.inject(url)).statusCode, 401, `${url}, protect ${protect}, ${awaited ? 'awaited' : 'in a row'}`)
        t.equal((await app.inject({ url, headers: { 'x-user': 'ada' } })).statusCode, 200)
      }
    }
  }
})

t.test('W2 a plugin that is registered inside a child context covers that context and those below, alone', async t => {
  const storage = await openStorage()
  const app = declare(t, app => {
    app.get('/outside', ok)
    app.register(async child => {
      child.get('/before', ok)
      await child.register(twoFactor, optionsOf(storage, { protect: 'all' }))
      child.get('/after', ok)
      child.register(async deeper => deeper.get('/deep', ok))
      child.setNotFoundHandler((_request, reply) => reply.code(200).send({}))
    }, { prefix: '/area' })
    app.register(async sibling => sibling.get('/sibling', ok))
  })
  await app.ready()
  for (const url of ['/area/before', '/area/after', '/area/deep', '/area/nothing']) {
    t.equal((await app.inject(url)).statusCode, 401, url)
  }
  for (const url of ['/outside', '/sibling']) t.equal((await app.inject(url)).statusCode, 200, url)
  t.equal((await app.inject('/nothing')).statusCode, 404)
  t.equal((await app.inject('/area/2fa')).statusCode, 401, 'its own routes are under the prefix of the context')
  t.equal((await app.inject('/2fa')).statusCode, 404)
  t.notOk(app.hasDecorator('requireTwoFactor'))
})

t.test('W2 the pages that a plugin in a child context sends people to are those of that context', async t => {
  for (const prefix of ['/area', '/area/', '/']) {
    const storage = await openStorage()
    const app = declare(t, app => {
      app.register(async child => {
        await child.register(twoFactor, optionsOf(storage))
        child.get('/vault', { config: { twoFactor: 'required' } }, ok)
      }, { prefix })
    })
    const vault = prefix === '/' ? '/vault' : '/area/vault'
    const { setupUrl } = (await app.inject({ url: vault, headers: { 'x-user': 'ada' } })).json<{ setupUrl: string }>()
    t.equal(setupUrl, prefix === '/' ? '/2fa/setup' : '/area/2fa/setup', `prefix ${prefix}`)
    t.equal((await app.inject({ url: setupUrl, headers: { 'x-user': 'ada' } })).statusCode, 200, setupUrl)
  }
})

t.test('W2 two areas of one app can have a registration each', async t => {
  const storage = await openStorage()
  const app = declare(t, app => {
    for (const [area, policy] of [['staff', 'required'], ['shop', true]] as const) {
      app.register(async child => {
        await child.register(twoFactor, optionsOf(storage))
        child.get('/vault', { config: { twoFactor: policy } }, ok)
      }, { prefix: `/${area}` })
    }
  })
  const headers = { 'x-user': 'ada' }
  t.match((await app.inject({ url: '/staff/vault', headers })).json(), { setupUrl: '/staff/2fa/setup' })
  t.equal((await app.inject({ url: '/shop/vault', headers })).statusCode, 200)
})

// One name of a marked route, as people and proxies spell it.
const spellings = [
  '/admin', '/ADMIN', '/Admin', '/admin/', '/admin//', '//admin', '///admin', '/%61dmin', '/%41DMIN', '/admi%6E', '/admin%2f',
  '/admin%00', '/%2561dmin', '/./admin', '/x/../admin', '/public/../admin', '/2fa/../admin', '/2fa/%2e%2e/admin', '/admin/.',
  '/admin?', '/admin?x=/2fa', '/admin?next=/public', '/admin?twoFactor=false', '/admin?config[twoFactor]=false', '/admin;x=1',
  '/admin;/public', '/admin#/public', '/admin%3f', '/admin%23', '/admin.', '/admin%20', '/admin%09', '/\\admin', '/admin\\',
  '/ádmin', '/ad%C3%ADmin', 'http://127.0.0.1/admin', 'http://127.0.0.1/ADMIN', '*', '/deep/admin', '/DEEP//Admin/', '/deep/%61dmin',
  '/any/admin', '/any/2fa', '/any/public', '/any/..%2fadmin', '/files/a/b/../../admin', '/files/', '/files/%2e%2e/public'
].map(path => encodeURI(path).replaceAll('%25', '%'))

type RouterOptions = NonNullable<FastifyServerOptions['routerOptions']> & { useSemicolonDelimiter?: boolean }

const routers: Record<string, RouterOptions> = {
  default: {},
  'caseSensitive: false': { caseSensitive: false },
  'ignoreTrailingSlash: true': { ignoreTrailingSlash: true },
  'ignoreDuplicateSlashes: true': { ignoreDuplicateSlashes: true },
  'useSemicolonDelimiter: true': { useSemicolonDelimiter: true },
  'all of them': { caseSensitive: false, ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, useSemicolonDelimiter: true }
}

t.test('W3 no router option and no spelling of a path opens a marked route', async t => {
  for (const [name, routerOptions] of Object.entries(routers)) {
    for (const protect of ['marked', 'all'] as const) {
      const { app } = await buildHost(t, {
        server: { routerOptions },
        protect,
        after (app) {
          app.get('/any/:name', marked, ok)
          app.get('/files/*', marked, ok)
          app.register(async child => child.get('/admin', marked, ok), { prefix: '/deep' })
        }
      })
      const port = await listen(app)
      const statuses = await Promise.all(spellings.flatMap(path => ['GET', 'HEAD'].map(method => statusOf(port, path, method))))
      t.notOk(statuses.includes(200), `${name}, ${protect}: ${statuses.indexOf(200)}`)
      t.ok(statuses.includes(401), 'and some do reach the route')
    }
  }
})

t.test('W3 random spellings of a marked path are refused or not found', async t => {
  const { app } = await buildHost(t, { server: { routerOptions: routers['all of them'] ?? {} } })
  const port = await listen(app)
  const letter = (character: string) => fc.constantFrom(
    character, character.toUpperCase(), `%${character.charCodeAt(0).toString(16)}`, `%${character.toUpperCase().charCodeAt(0).toString(16)}`)
  const slashes = fc.constantFrom('/', '//', '/./', '/x/../', '///', '/2fa/../', '/public/../')
  const tail = fc.constantFrom('', '/', '//', '?', '?x=/2fa', ';x', '/.', '?next=/public&twoFactor=false')
  const path = fc.tuple(slashes, ...[...'admin'].map(letter), tail).map(parts => parts.join(''))
  const seen = new Set<number>()
  await fc.assert(fc.asyncProperty(path, async path => {
    const status = await statusOf(port, path)
    seen.add(status)
    return status === 401 || status === 404
  }), { numRuns: 500 })
  t.same([...seen].sort(), [401, 404])
})

t.test('a misspelt config.twoFactor refuses to start', async t => {
  const storage = await openStorage()
  const misspelt: unknown[] = [
    null, 'requierd', 'Required', 'true', 'all', '', 0, 1, [], ['required'], {}, { maxAge: '300' }, { maxAge: 0 }, { maxAge: -1 },
    { maxAge: Number.NaN }, { maxAge: null }, { maxage: 300 }, { maxAge: 300, max: 1 }, () => true
  ]
  for (const policy of misspelt) {
    const app = declare(t, app => {
      app.register(twoFactor, optionsOf(storage))
      app.register(async child => child.get('/vault', { config: { twoFactor: policy as TwoFactorPolicy } }, ok))
    })
    await t.rejects(async () => { await app.ready() }, {
      code: 'FST_2FA_BAD_OPTION', message: /"config\.twoFactor".*true, false, "required" or \{ maxAge: seconds \}/
    }, JSON.stringify(policy))
    if (policy === null) continue

    const { app: guarded } = await buildHost(t, { storage })
    t.throws(() => guarded.requireTwoFactor(policy as 'required'), { code: 'FST_2FA_BAD_OPTION' })
  }
  for (const policy of [true, false, 'required', { maxAge: 1 }, { maxAge: Infinity }] as const) {
    const app = declare(t, app => {
      app.register(twoFactor, optionsOf(storage))
      app.get('/vault', { config: { twoFactor: policy } }, ok)
    })
    await t.resolves(async () => { await app.ready() }, JSON.stringify(policy))
  }
})

t.test('a misspelt config.twoFactor of a route that the plugin did not see being declared is never open', async t => {
  const storage = await openStorage()
  for (const policy of ['requierd', null]) {
    const app = declare(t, app => {
      app.get('/vault', { config: { twoFactor: policy as unknown as TwoFactorPolicy } }, ok)
      app.register(twoFactor, optionsOf(storage))
    })
    t.match((await app.inject('/vault')).json(), { statusCode: 500, code: 'FST_2FA_BAD_OPTION' }, String(policy))
  }
})

t.test('a policy asks exactly for what it says', async t => {
  const host = await buildHost(t, {
    after (app) {
      const policies: Record<string, TwoFactorPolicy> = { true: true, false: false, required: 'required', age: { maxAge: 60 } }
      for (const [name, policy] of Object.entries(policies)) {
        app.get(`/config/${name}`, { config: { twoFactor: policy } }, ok)
        if (policy !== false) app.get(`/hook/${name}`, { preHandler: app.requireTwoFactor(policy) }, ok)
        app.get(`/handler/${name}`, async request => {
          await request.twoFactor.require(policy)
          return ok()
        })
      }
      app.get('/hook', { preHandler: [app.requireTwoFactor()] }, ok)
    }
  })
  const { client } = await enrolByImport(host)
  host.clock.advance(61)
  const clients = { nobody: new Client(host.app), password: await signIn(host), plain: await signIn(host, 'eve'), passed: client }
  const answers = async (who: keyof typeof clients, name: string) => {
    const places = name === 'false' ? ['config', 'handler'] : ['config', 'hook', 'handler']
    const codes = await Promise.all(places.map(async place => {
      const response = await clients[who].get(`/${place}/${name}`)
      return response.statusCode === 200 ? 'ok' : response.json<{ code: string }>().code
    }))
    t.equal(new Set(codes).size, 1, `${who}, ${name}: in the config, as a hook and in a handler alike`)
    return codes[0]
  }
  for (const name of ['true', 'required', 'age']) t.equal(await answers('nobody', name), 'FST_2FA_UNAUTHENTICATED')
  t.equal(await answers('nobody', 'false'), 'ok')
  for (const name of ['true', 'required', 'age']) t.equal(await answers('password', name), 'FST_2FA_REQUIRED')
  t.equal(await answers('password', 'false'), 'ok')
  t.equal(await answers('plain', 'true'), 'ok')
  for (const name of ['required', 'age']) t.equal(await answers('plain', name), 'FST_2FA_SETUP_REQUIRED')
  for (const name of ['true', 'required', 'false']) t.equal(await answers('passed', name), 'ok')
  t.equal(await answers('passed', 'age'), 'FST_2FA_REQUIRED')

  t.equal((await clients.password.get('/hook')).statusCode, 403, 'the default is true')
  t.equal((await clients.plain.get('/hook')).statusCode, 200)
})

t.test('a refusal says where to go in its JSON body, also from a handler', async t => {
  const host = await buildHost(t, {
    verifyUrl: '/code',
    setupUrl: 'https://id.example.com/setup',
    after (app) {
      app.get('/handler', async request => {
        await request.twoFactor.require('required')
        return ok()
      })
      app.get('/other', async (request, reply) => {
        await request.twoFactor.require('required').catch(() => {})
        return reply.code(403).send({ code: 'MINE' })
      })
      app.get('/html', async (request, reply) => {
        await request.twoFactor.require('required').catch(() => {})
        return reply.code(403).type('text/plain').send('FST_2FA_REQUIRED')
      })
    }
  })
  await enrolByImport(host)
  const password = await signIn(host)
  for (const url of ['/dashboard', '/admin', '/handler']) {
    const response = await password.get(url)
    t.same(response.json(), {
      statusCode: 403,
      code: 'FST_2FA_REQUIRED',
      error: 'Forbidden',
      message: 'Enter the code from your authenticator app to go on',
      verifyUrl: '/code'
    }, url)
    t.equal(Number(response.headers['content-length']), Buffer.byteLength(response.body))
  }
  const plain = await signIn(host, 'eve')
  t.match((await plain.get('/handler')).json(), { code: 'FST_2FA_SETUP_REQUIRED', setupUrl: 'https://id.example.com/setup' })
  t.same((await password.get('/other')).json(), { code: 'MINE' }, 'what the host answers instead is left alone')
  t.equal((await password.get('/html')).body, 'FST_2FA_REQUIRED')
})

t.test('the guard\'s own replies are not cached and vary by what the client accepts', async t => {
  const host = await buildHost(t, {
    loginUrl: '/login',
    before (app) {
      app.addHook('onRequest', async (request, reply) => {
        if (request.headers['x-vary']) reply.header('vary', request.headers['x-vary'])
      })
    }
  })
  await enrolByImport(host)
  const password = await signIn(host)
  for (const response of [await password.get('/dashboard'), await password.page('/dashboard'), await host.app.inject('/dashboard')]) {
    t.match(response.headers, { 'cache-control': 'no-store', vary: 'Accept' })
  }
  t.equal((await password.get('/dashboard', { 'x-vary': 'Origin' })).headers.vary, 'Origin, Accept')
  t.equal((await password.get('/dashboard', { 'x-vary': 'Origin, accept' })).headers.vary, 'Origin, accept')
  t.equal((await password.get('/dashboard', { 'x-vary': '*' })).headers.vary, '*')
})

t.test('a host\'s own error handler sees the error, and its body is left alone', async t => {
  const seen: unknown[] = []
  const host = await buildHost(t, {
    before (app) {
      app.setErrorHandler<Error & { statusCode?: number, code?: string }>((error, _request, reply) => {
        seen.push(error)
        return reply.code(error.statusCode ?? 500).send({ problem: error.code, text: error.message })
      })
    }
  })
  await enrolByImport(host)
  const password = await signIn(host)
  const refused = await password.get('/dashboard')
  t.same(refused.json(), { problem: 'FST_2FA_REQUIRED', text: 'Enter the code from your authenticator app to go on' })
  t.match(seen, [{ verifyUrl: '/2fa/verify' }])
  t.ok(seen[0] instanceof errors.RequiredError)
  t.same((await host.app.inject('/dashboard')).json(), { problem: 'FST_2FA_UNAUTHENTICATED', text: 'Sign in first' })
  t.match((await (await signIn(host, 'eve')).get('/admin')).json(), { problem: 'FST_2FA_SETUP_REQUIRED' })
  t.match((await password.post('/2fa/verify', { code: 'x' })).json(), { code: 'FST_ERR_VALIDATION' }, 'the plugin\'s routes keep theirs')
})

t.test('a browser is sent to sign in, to its code or to setup, with the way back', async t => {
  const host = await buildHost(t, { loginUrl: '/login?from=app' })
  await enrolByImport(host)
  const password = await signIn(host)
  const plain = await signIn(host, 'eve')
  const stranger = new Client(host.app)
  const target = async (client: Client, url: string) => {
    const { statusCode, headers } = await client.page(url)
    t.equal(statusCode, 303, url)
    return headers.location
  }
  t.equal(await target(stranger, '/dashboard?tab=1&x=%2F'), '/login?from=app&next=%2Fdashboard%3Ftab%3D1%26x%3D%252F')
  t.equal(await target(password, '/dashboard?tab=1'), '/2fa/verify?next=%2Fdashboard%3Ftab%3D1')
  t.equal(await target(plain, '/admin'), '/2fa/setup?next=%2Fadmin')
  t.equal((await stranger.get('/dashboard')).statusCode, 401, 'a program gets the status')
  t.equal((await stranger.get('/dashboard', { accept: '*/*' })).statusCode, 401)
})

t.test('a browser without a login page gets the 401', async t => {
  const { app } = await buildHost(t)
  t.equal((await new Client(app).page('/dashboard')).statusCode, 401)
})

t.test('a browser gets no redirect to pages that it could not see', async t => {
  const host = await buildHost(t, { pages: false, loginUrl: '/login' })
  await enrolByImport(host)
  const password = await signIn(host)
  t.match((await password.page('/dashboard')).json(), { code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' })
})

t.test('a form that was refused is not lost without a word', async t => {
  const host = await buildHost(t)
  await enrolByImport(host)
  const password = await signIn(host)
  const send = async (headers: Record<string, string>) => {
    const response = await password.request({
      method: 'POST', url: '/transfer', headers: { accept: 'text/html', host: 'app.example.com', ...headers }
    })
    t.equal(response.statusCode, 303)
    return response.headers.location
  }
  t.equal(await send({ referer: 'https://app.example.com/pay?to=eve#x' }), '/2fa/verify?next=%2Fpay%3Fto%3Deve&resend=1')
  t.equal(await send({}), '/2fa/verify?resend=1')
  for (const referer of ['https://evil.example/pay', 'https://app.example.com.evil.example/', '//app.example.com/', 'about:blank', 'https://app.example.com//evil.example/']) {
    t.equal(await send({ referer }), '/2fa/verify?resend=1', referer)
  }
  t.match((await password.page('/2fa/verify?next=/pay&resend=1')).body, /was not done yet/)
})

t.test('a login page that is guarded by mistake is refused, not sent round in circles', async t => {
  const { app } = await buildHost(t, {
    protect: 'all', loginUrl: '/login', after (app) { app.get('/login', ok) }
  })
  t.equal((await new Client(app).page('/login?x=1')).statusCode, 401)
})

t.test('maxAge counts from the last pass, to the second', async t => {
  const host = await buildHost(t)
  const { client, secret } = await enrolByImport(host)
  host.clock.advance(300)
  t.equal((await client.post('/transfer')).statusCode, 200, '300 s old')
  host.clock.advance(0.001)
  t.match((await client.post('/transfer')).json(), { code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' }, 'a millisecond more')
  t.equal((await client.get('/admin')).statusCode, 200, 'the pass itself still counts')
  t.equal((await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode, 200)
  t.equal((await client.post('/transfer')).statusCode, 200)
})

t.test('I2 a clock that steps back an hour makes no old pass young', async t => {
  const host = await buildHost(t)
  const { client } = await enrolByImport(host)
  host.clock.advance(-30)
  t.equal((await client.post('/transfer')).statusCode, 200, 'processes differ by some seconds')
  host.clock.advance(-3600)
  t.match((await client.post('/transfer')).json(), { code: 'FST_2FA_REQUIRED' })
  t.equal((await client.get('/dashboard')).statusCode, 200)
})

/** A host whose storage calls are written down. */
async function buildCounted (t: Test, options: Parameters<typeof buildHost>[1] = {}) {
  const calls: string[] = []
  const host = await buildHost(t, { ...options, storage: intercept(await openStorage(), method => calls.push(method)) })
  /** The calls that this task makes. */
  const during = async (task: () => Promise<unknown>) => {
    calls.length = 0
    await task()
    return [...calls]
  }
  return { ...host, during }
}

t.test('a client that has passed costs no SQL for revalidate seconds, then one read', async t => {
  const host = await buildCounted(t)
  const { client } = await enrolByImport(host)
  const visit = async () => {
    for (const url of ['/dashboard', '/admin', '/public']) t.equal((await client.get(url)).statusCode, 200)
  }
  t.same(await host.during(visit), [])
  host.clock.advance(29.999)
  t.same(await host.during(visit), [])
  host.clock.advance(0.001)
  t.same(await host.during(visit), ['findPass'])
  host.clock.advance(29)
  t.same(await host.during(visit), [])

  const password = await signIn(host)
  t.same(await host.during(() => password.get('/dashboard')), ['isEnabled'], 'a client that has not passed costs one read')
  t.same(await host.during(() => new Client(host.app).get('/dashboard')), [], 'and nobody none')
})

t.test('revalidate 0 reads each time', async t => {
  const host = await buildCounted(t, { revalidate: 0 })
  const { client } = await enrolByImport(host)
  t.same(await host.during(async () => {
    await client.get('/dashboard')
    await client.get('/dashboard')
  }), ['findPass', 'findPass'])
})

t.test('a clock that steps back makes a trusted pass be read again', async t => {
  const host = await buildCounted(t)
  const { client } = await enrolByImport(host)
  host.clock.advance(-3600)
  t.same(await host.during(() => client.get('/dashboard')), ['findPass'])
  t.same(await host.during(() => client.get('/dashboard')), [])
})

/** Two processes of one host: one database, one session store, one clock. */
async function buildTwo (t: Test, revalidate?: number) {
  const options = {
    storage: await openStorage(),
    clock: createClock(),
    session: { store: new session.MemoryStore() },
    ...(revalidate !== undefined && { revalidate })
  }
  let release = () => {}
  const gate = new Promise<void>(resolve => { release = resolve })
  let reached = () => {}
  const inside = new Promise<void>(resolve => { reached = resolve })
  const after = (app: FastifyInstance) => {
    // Whoever has the password gets here, and is held up until the gate opens.
    app.get('/slow', { config: { twoFactor: false } }, async request => {
      reached()
      await gate
      request.session.basket = ['slow']
      return ok()
    })
  }
  const one = await buildHost(t, { ...options, after })
  const two = await buildHost(t, { ...options, after })
  const { client, secret } = await enrolByImport(one)
  const elsewhere = new Client(two.app)
  elsewhere.cookies = { ...client.cookies }
  t.equal((await elsewhere.get('/dashboard')).statusCode, 200)
  return { one, two, client, elsewhere, secret, clock: options.clock, release, inside }
}

t.test('a pass that is reset, disabled or superseded elsewhere is dead within the bound, and in its own process at once', async t => {
  const ends: Record<string, (two: Awaited<ReturnType<typeof buildTwo>>) => Promise<unknown>> = {
    reset: ({ one }) => one.app.twoFactor.reset('ada'),
    disable: ({ client, secret, clock }) => {
      clock.advance(30)
      return client.post('/2fa/disable', { code: codeAt(secret, clock) })
    },
    'another authenticator': async ({ client, clock }) => {
      const added = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
      await client.post('/2fa/setup/confirm', { code: codeAt(added, clock) })
    }
  }
  for (const [name, end] of Object.entries(ends)) {
    for (const revalidate of [0, 30]) {
      const two = await buildTwo(t, revalidate)
      const copy = new Client(two.one.app)
      copy.cookies = { ...two.client.cookies }
      await end(two)
      t.match((await copy.get('/admin')).statusCode, /^40[13]$/, `${name}: in the same process at once`)
      two.clock.advance(revalidate)
      t.match((await two.elsewhere.get('/admin')).statusCode, /^40[13]$/, `${name}, revalidate ${revalidate}`)
    }
  }
})

t.test('C5 a request in flight during a logout brings the session back, but not the pass', async t => {
  for (const revalidate of [0, 30]) {
    const { client, elsewhere, two, clock, release, inside } = await buildTwo(t, revalidate)
    const old = { ...client.cookies }
    const slow = elsewhere.get('/slow')
    await inside
    await client.post('/logout')
    release()
    t.equal((await slow).statusCode, 200)

    const thief = new Client(client.app)
    thief.cookies = { ...old }
    t.match((await thief.get('/2fa')).json(), { enabled: true, verified: false }, 'the session is alive again')
    t.match((await thief.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' }, 'the process that ended the pass knows at once')
    const other = new Client(two.app)
    other.cookies = { ...old }
    clock.advance(revalidate)
    t.match((await other.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' }, `the other one after ${revalidate} s`)
  }
})

t.test('C5 a request in flight during a verify does not carry the pass into the old session', async t => {
  const { one, two, clock, secret, release, inside } = await buildTwo(t)
  const client = await signIn(one)
  const old = { ...client.cookies }
  const slow = new Client(two.app)
  slow.cookies = { ...old }
  const held = slow.get('/slow')
  await inside
  clock.advance(30)
  t.equal((await client.post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
  release()
  t.equal((await held).statusCode, 200)
  for (const { app } of [one, two]) {
    const copy = new Client(app)
    copy.cookies = { ...old }
    t.equal((await copy.get('/dashboard')).statusCode, 403, 'the old session came back without a pass')
  }
  t.equal((await client.get('/dashboard')).statusCode, 200)
})

t.test('a pass lasts passTtl, however much it is used, and is then asked for again', async t => {
  const host = await buildHost(t, { passTtl: 3_600_000 })
  const { client, secret } = await enrolByImport(host)
  for (let minutes = 0; minutes < 60; minutes += 10) {
    t.equal((await client.get('/dashboard')).statusCode, 200)
    host.clock.advance(600)
  }
  t.match((await client.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' })
  t.match((await client.get('/2fa')).json(), { verified: false, verifiedAt: null })
  await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })
  t.equal((await client.get('/dashboard')).statusCode, 200)
})

t.test('by default a pass lasts 24 hours', async t => {
  const host = await buildHost(t)
  const { client } = await enrolByImport(host)
  host.clock.advance(86_399)
  t.equal((await client.get('/dashboard')).statusCode, 200)
  host.clock.advance(1)
  t.equal((await client.get('/dashboard')).statusCode, 403)
})

t.test('S3 a session whose user changes has not passed', async t => {
  const host = await buildHost(t)
  const { client } = await enrolByImport(host)
  await enrolByImport(host, 'eve')
  await client.post('/login/eve')
  t.match((await client.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' })
  t.match((await client.get('/2fa')).json(), { enabled: true, verified: false })
  await client.post('/login/bob')
  t.match((await client.get('/admin')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
})

t.test('S3 a session that changes its user and back again has not passed', async t => {
  const host = await buildHost(t)
  const { client } = await enrolByImport(host)
  await client.post('/login/eve')
  t.equal((await client.get('/dashboard')).statusCode, 200)
  await client.post('/login/ada')
  t.match((await client.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' }, 'asked again')
})

t.test('S3 a session whose user signed out and in again, without the host ending the pass, has not passed', async t => {
  const host = await buildHost(t, {
    after (app) {
      app.post('/leave', { config: { twoFactor: false } }, async request => {
        request.session.user = null
        return {}
      })
    }
  })
  const { client } = await enrolByImport(host)
  await client.post('/leave')
  t.equal((await client.get('/dashboard')).statusCode, 401)
  await client.post('/login/ada')
  t.match((await client.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' })
})

t.test('S2 the proof of one user is worthless in the session of another', async t => {
  const host = await buildHost(t, {
    after (app) {
      app.post<{ Body: { pass: string } }>('/plant', { config: { twoFactor: false } }, async request => {
        request.session.twoFactor = request.body.pass
        return {}
      })
      app.get('/pass', { config: { twoFactor: false } }, async request => request.session.twoFactor)
    }
  })
  const { client: eve } = await enrolByImport(host, 'eve')
  await enrolByImport(host)
  const pass = (await eve.get('/pass')).body
  t.ok(pass.endsWith('eve'))
  const password = await signIn(host)
  const forged = pass.replace(/eve$/, 'ada')
  for (const planted of [pass, forged, `${pass}.ada`, `${pass}\n${forged}`, 'x.totp.0.9000000000000000.ada', 'ada', '....ada']) {
    await password.post('/plant', { pass: planted })
    host.clock.advance(30)
    t.match((await password.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' }, planted)
  }
})

const faults: Record<string, () => Promise<never>> = {
  fails: async () => { throw new Error('connect ECONNREFUSED 10.0.0.1:5432') },
  hangs: () => new Promise(() => {})
}

t.test('W4 a storage that fails or hangs answers 503 with Retry-After, and lets nobody in', async t => {
  for (const [name, fault] of Object.entries(faults)) {
    let down = false
    const host = await buildHost(t, {
      storage: intercept(await openStorage(), () => down ? fault() : undefined),
      revalidate: 0,
      storageTimeout: 100,
      after (app) {
        app.get('/hook', { preHandler: app.requireTwoFactor() }, ok)
        app.get('/handler', async request => {
          await request.twoFactor.require(true)
          return ok()
        })
      }
    })
    const { client } = await enrolByImport(host)
    const password = await signIn(host)
    const plain = await signIn(host, 'eve')
    down = true
    const answers = await Promise.all([client, password, plain].flatMap(who =>
      ['/dashboard', '/admin', '/hook', '/handler'].map(url => who.get(url))))
    for (const response of answers) {
      t.match(response.json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' }, name)
      t.equal(response.headers['retry-after'], '5')
      t.notMatch(response.body, /ECONNREFUSED|10\.0\.0\.1/, 'the cause is not for the client')
    }
    t.equal((await client.page('/dashboard')).statusCode, 503, 'a browser too')
    t.equal((await client.get('/public')).statusCode, 200)
    down = false
    t.equal((await client.get('/dashboard')).statusCode, 200, 'and it is served again')
    t.equal((await password.get('/dashboard')).statusCode, 403)
  }
})

t.test('a trusted pass outlives a short outage of the storage', async t => {
  let down = false
  const host = await buildHost(t, {
    storage: intercept(await openStorage(), () => { if (down) throw new Error('down') })
  })
  const { client } = await enrolByImport(host)
  down = true
  t.equal((await client.get('/dashboard')).statusCode, 200)
  host.clock.advance(30)
  t.equal((await client.get('/dashboard')).statusCode, 503)
})

t.test('getUser may be asynchronous', async t => {
  const host = await buildHost(t, {
    getUser: async request => {
      await new Promise(resolve => setImmediate(resolve))
      return request.session.user
    }
  })
  const { client } = await enrolByImport(host)
  t.equal((await client.get('/dashboard')).statusCode, 200)
  t.equal((await (await signIn(host)).get('/dashboard')).statusCode, 403)
  t.equal((await host.app.inject('/dashboard')).statusCode, 401)
})

t.test('a getUser that throws or answers rubbish lets nobody in', async t => {
  const rubbish: unknown[] = [
    true, 1, 0, '', 'ada', [], ['ada'], {}, { id: '' }, { id: 1, label: 'ada' }, { id: null }, { id: ['ada'] }, { label: 'ada' }, () => {}, Symbol('ada')
  ]
  let answer: () => unknown = () => null
  const { app } = await buildHost(t, {
    getUser: () => answer() as null,
    after (app) {
      app.get('/handler', async request => {
        await request.twoFactor.require(true)
        return ok()
      })
    }
  })
  const urls = ['/dashboard', '/admin', '/handler', '/2fa', '/2fa/setup', '/2fa/verify']
  for (const user of rubbish) {
    answer = () => user
    for (const url of urls) t.match((await app.inject(url)).statusCode, /^50[03]$/, `${String(user)} ${url}`)
  }
  for (const failure of [() => { throw new Error('no') }, async () => { throw new Error('no') }]) {
    answer = failure
    for (const url of urls) t.match((await app.inject(url)).statusCode, /^50[03]$/, url)
  }
  answer = () => ({ id: 'ada' })
  t.equal((await app.inject('/dashboard')).statusCode, 200, 'a user without a label is named by the id')
})
