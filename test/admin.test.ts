import t, { type Test } from 'tap'
import type { FastifyRequest } from 'fastify'
import { twoFactorAdmin, type TwoFactorAdminOptions } from '../plugin/index.js'
import {
  buildHost, codeAt, enrol, enrolByImport, signIn, wrongCode, type Host, type HostOptions, type Imported
} from './helpers/host.js'

const isRoot = (request: FastifyRequest) => request.session.user?.id === 'root'

function onlyRoot (request: FastifyRequest): void {
  if (!isRoot(request)) throw Object.assign(new Error('Administrators only'), { statusCode: 418 })
}

interface AdminHost extends Host {
  readonly root: Imported
}

/** A host with the admin routes, and an administrator who has passed. */
async function buildAdminHost (
  t: Pick<Test, 'teardown'>, options: Partial<TwoFactorAdminOptions> = {}, host: HostOptions = {}
): Promise<AdminHost> {
  const built = await buildHost(t, {
    after: app => app.register(twoFactorAdmin, { prefix: '/back/2fa', guard: onlyRoot, ...options }), ...host
  })
  return { ...built, root: await enrolByImport(built, 'root') }
}

const every = [
  ['GET', '/back/2fa/users/ada'], ['GET', '/back/2fa/users/ada/events'], ['POST', '/back/2fa/users/ada/unlock'],
  ['POST', '/back/2fa/users/ada/reset'], ['GET', '/back/2fa/keys']
] as const

t.test('the state of a user, and what helps a user who is locked out', async t => {
  const host = await buildAdminHost(t)
  const { root: { client: root }, clock } = host
  const ada = await enrol(host)
  clock.advance(30)
  const guesser = await signIn(host)
  for (let guess = 0; guess < 5; guess++) await guesser.post('/2fa/verify', { code: wrongCode(ada.secret, clock) })

  const locked = await root.get('/back/2fa/users/ada')
  t.equal(locked.statusCode, 200)
  t.equal(locked.headers['cache-control'], 'no-store')
  t.same(locked.json(), {
    enabled: true,
    authenticators: JSON.parse(JSON.stringify((await host.app.twoFactor.status('ada')).authenticators)) as unknown,
    recoveryCodesLeft: 5,
    failedAttempts: 5,
    lockedUntil: new Date(clock() + 60_000).toISOString(),
    authenticatorsDisabled: false
  })
  t.equal((await guesser.post('/2fa/verify', { code: codeAt(ada.secret, clock) })).statusCode, 429)
  t.match(await root.post('/back/2fa/users/ada/unlock'), { statusCode: 200, body: '{"done":true}' })
  t.equal((await guesser.post('/2fa/verify', { code: codeAt(ada.secret, clock) })).statusCode, 200)

  t.match(await root.post('/back/2fa/users/ada/reset'), { statusCode: 200, body: '{"done":true}' })
  t.equal((await host.app.twoFactor.status('ada')).enabled, false)
})

t.test('which keys are in use, and what happened to a user', async t => {
  const host = await buildAdminHost(t, {}, { audit: true })
  const { root: { client: root } } = host
  t.match((await root.get('/back/2fa/keys')).json(), {
    keys: [{ id: /^[0-9a-f]{8}$/, by: 'encryptionKeys', current: true, available: true, secrets: 1, recoverySalts: 1 }]
  })
  await enrol(host)
  await root.post('/back/2fa/users/ada/reset')
  const { events } = (await root.get('/back/2fa/users/ada/events')).json<{ events: Array<{ id: string, type: string }> }>()
  t.match(events, [{ type: 'reset', userId: 'ada' }, { type: 'setup-confirmed', ip: '127.0.0.1' }])
  const page = (await root.get(`/back/2fa/users/ada/events?limit=1&before=${events[0]?.id}`)).json<{ events: unknown[] }>()
  t.same(page.events, [events[1]])
  for (const query of ['limit=0', 'limit=501', 'limit=x', 'before=x%27', 'more=1']) {
    t.equal((await root.get(`/back/2fa/users/ada/events?${query}`)).statusCode, 400, query)
  }
})

t.test('of a user who has no two-factor authentication there is nothing to see or to change', async t => {
  const { root: { client: root } } = await buildAdminHost(t)
  for (const [method, url] of every.filter(([, url]) => !/events|keys/.test(url))) {
    t.match(await root.request({ method, url }), { statusCode: 404, body: /FST_2FA_UNKNOWN_USER/ }, url)
  }
  t.match(await root.get('/back/2fa/users/%00'), { statusCode: 400 })
})

t.test('the guard of the host stands before every route', async t => {
  const host = await buildAdminHost(t)
  const ada = await enrolByImport(host)
  for (const [method, url] of every) {
    t.match(await ada.client.request({ method, url }), { statusCode: 418 }, `${method} ${url} of somebody else`)
    t.match(await host.app.inject({ method, url }), { statusCode: 401 }, `${method} ${url} of nobody`)
  }
  t.equal((await host.app.twoFactor.status('ada')).enabled, true)
})

t.test('guards of every make refuse, and one that answers "no" does too', async t => {
  const refusals: Array<[name: string, guard: TwoFactorAdminOptions['guard'], status: number]> = [
    ['answers false', isRoot, 403],
    ['answers null', request => isRoot(request) || null, 403],
    ['answers false later', async request => isRoot(request), 403],
    ['throws later', async request => onlyRoot(request), 418],
    ['sends', async (request, reply) => isRoot(request) ? undefined : reply.code(402).send({}), 402],
    ['calls back', (request, _, done) =>
      done(isRoot(request) ? undefined : Object.assign(new Error(), { statusCode: 417 })), 417]
  ]
  for (const [name, guard, status] of refusals) {
    const host = await buildAdminHost(t, { guard })
    const ada = await enrolByImport(host)
    t.equal((await ada.client.post('/back/2fa/users/ada/reset')).statusCode, status, name)
    t.equal((await host.app.twoFactor.status('ada')).enabled, true, name)
    t.equal((await host.root.client.post('/back/2fa/users/ada/reset')).statusCode, 200, `${name}: not to the administrator`)
  }
})

t.test('the administrator must have passed, and not long ago', async t => {
  const host = await buildAdminHost(t)
  const without = await signIn(host, 'root')
  t.match(await without.get('/back/2fa/keys'), { statusCode: 403, body: /FST_2FA_REQUIRED.*verifyUrl/ })
  host.clock.advance(899)
  t.equal((await host.root.client.get('/back/2fa/keys')).statusCode, 200)
  host.clock.advance(2)
  t.match(await host.root.client.get('/back/2fa/keys'), { statusCode: 403, body: /FST_2FA_REQUIRED/ })

  const lenient = await buildAdminHost(t, { policy: 'required' })
  lenient.clock.advance(3600)
  t.equal((await lenient.root.client.get('/back/2fa/keys')).statusCode, 200)
  await lenient.app.twoFactor.reset('root')
  t.match(await (await signIn(lenient, 'root')).get('/back/2fa/keys'), { statusCode: 403, body: /FST_2FA_SETUP_REQUIRED/ })
})

t.test('another site cannot have an administrator\'s browser reset anybody', async t => {
  const host = await buildAdminHost(t)
  await enrolByImport(host)
  const { root: { client: root } } = host
  for (const headers of [
    { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' },
    { 'content-type': 'application/x-www-form-urlencoded' }
  ]) {
    const response = await root.request({ method: 'POST', url: '/back/2fa/users/ada/reset', headers })
    t.match(response, { statusCode: 403, body: /FST_2FA_CROSS_ORIGIN/ }, JSON.stringify(headers))
  }
  t.equal((await host.app.twoFactor.status('ada')).enabled, true)
})

t.test('it is not registered without a guard, with options that it does not know, or where there is nothing to work on', async t => {
  for (const options of [{}, { guard: true }, { guard: onlyRoot, polcy: 'required' }, { guard: onlyRoot, policy: 'never' }]) {
    await t.rejects(buildAdminHost(t, { guard: undefined, ...options } as never), { code: 'FST_2FA_BAD_OPTION' }, JSON.stringify(options))
  }
  await t.rejects(buildHost(t, { before: app => app.register(twoFactorAdmin, { guard: onlyRoot }) }), { code: 'FST_2FA_BAD_OPTION' })
})
