import fc from 'fast-check'
import type { FastifyRequest } from 'fastify'
import t, { type Test } from 'tap'
import {
  kyselyStorage, type TwoFactorOptions, type TwoFactorPolicy, type TwoFactorRequirement
} from '../plugin/index.js'
import { openDatabase } from './helpers/database.js'
import {
  buildHost as buildWith, Client, codeAt, createClock, enrol, enrolByImport, intercept, signIn, wrongCode,
  type HostOptions
} from './helpers/host.js'

/** What a host may hold of its users, beyond what the plugin asks for. */
interface Account {
  readonly id: string
  readonly label: string
  readonly role: 'user' | 'admin'
  readonly tenant?: { readonly strict: boolean }
}

const buildHost = (t: Test, options: HostOptions = {}) => buildWith(t, { recoveryCodes: 5, ...options })
const day = 86_400
const statusOf = async (client: Client, url = '/dashboard') => (await client.get(url)).statusCode
const textOf = (body: string) => body.replace(/<style>.*?<\/style>/s, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim()

type State = 'nobody' | 'off' | 'not passed' | 'passed' | 'passed long ago'
type Outcome = 'in' | 'FST_2FA_UNAUTHENTICATED' | 'FST_2FA_REQUIRED' | 'FST_2FA_SETUP_REQUIRED'

const routePolicies: TwoFactorPolicy[] = [true, 'required', { maxAge: 300 }, false]
const states: State[] = ['nobody', 'off', 'not passed', 'passed', 'passed long ago']

/** The table of docs/protecting-routes.md, and what a requirement adds to it. */
function expected (route: TwoFactorPolicy, state: State, required: boolean): Outcome {
  if (route === false) return 'in'
  if (state === 'nobody') return 'FST_2FA_UNAUTHENTICATED'
  if (state === 'off') return route === true && !required ? 'in' : 'FST_2FA_SETUP_REQUIRED'
  if (state === 'not passed') return 'FST_2FA_REQUIRED'
  return state === 'passed long ago' && typeof route === 'object' ? 'FST_2FA_REQUIRED' : 'in'
}

t.test('whatever a policy answers, a route asks what it says itself, and setup where it is required by now', async t => {
  let answer: TwoFactorRequirement = 'optional'
  let slow = false
  const host = await buildHost(t, {
    policy: () => slow ? Promise.resolve(answer) : answer,
    after (app) {
      for (const [index, policy] of routePolicies.entries()) {
        app.get(`/route/${index}`, { config: { twoFactor: policy } }, async () => ({}))
        app.get(`/ask/${index}`, { config: { twoFactor: false } }, async request => {
          await request.twoFactor.require(policy)
          return {}
        })
        if (policy !== false) app.get(`/hook/${index}`, { preHandler: app.requireTwoFactor(policy) }, async () => ({}))
      }
    }
  })
  const longAgo = await enrolByImport(host, 'bob')
  host.clock.advance(301)
  const { client: passed } = await enrolByImport(host)
  const clients: Record<State, Client> = {
    nobody: new Client(host.app),
    off: await signIn(host, 'eve'),
    'not passed': await signIn(host),
    passed,
    'passed long ago': longAgo.client
  }
  const from = host.clock()
  const requirement = fc.oneof(
    fc.constantFrom<TwoFactorRequirement>('optional', 'required'),
    fc.oneof(fc.integer({ min: -2, max: 2 }), fc.integer({ min: -1e10, max: 1e10 }))
      .map(ms => ({ requiredFrom: new Date(from + ms) }))
  )
  const seen = new Set<string>()
  await fc.assert(fc.asyncProperty(
    requirement, fc.boolean(), fc.constantFrom(...states), fc.nat(3), fc.constantFrom('route', 'ask', 'hook'),
    async (given, isSlow, state, index, kind) => {
      answer = given
      slow = isSlow
      const route = routePolicies[index] as TwoFactorPolicy
      if (kind === 'hook' && route === false) return
      const required = given === 'required' || (typeof given === 'object' && given.requiredFrom.getTime() <= from)
      const response = await clients[state].get(`/${kind}/${index}`)
      const outcome = response.statusCode === 200 ? 'in' : response.json<{ code: string }>().code
      seen.add(`${state} ${JSON.stringify(route)} ${required}`)
      if (outcome !== expected(route, state, required)) throw new Error(`${outcome}, not ${expected(route, state, required)}`)
      // Never looser than the route's own.
      if (outcome === 'in' && expected(route, state, false) !== 'in') throw new Error('looser than the route')
    }), { numRuns: 600 })
  t.equal(seen.size, routePolicies.length * states.length * 2, 'every case was met')
})

t.test('by role: an admin without two-factor is sent to set it up, also where the route leaves it open', async t => {
  const admins = new Set(['root'])
  const host = await buildHost(t, { policy: (_request, { id }) => admins.has(id) ? 'required' : 'optional' })
  const user = await signIn(host)
  const admin = await signIn(host, 'root')
  t.equal(await statusOf(user), 200)
  t.match((await admin.get('/dashboard')).json(), { statusCode: 403, code: 'FST_2FA_SETUP_REQUIRED', setupUrl: '/2fa/setup' })
  t.equal((await admin.page('/dashboard?tab=2')).headers.location, '/2fa/setup?next=%2Fdashboard%3Ftab%3D2')
  t.match((await admin.get('/2fa/')).json(), { enabled: false, required: true, requiredFrom: null, daysLeft: null })
  t.match(textOf((await admin.page('/2fa/setup')).body), /Your account has to have two-factor authentication\./)
  t.match(textOf((await admin.page('/2fa/')).body), /Your account has to have two-factor authentication\. It is off/)
  t.notMatch(textOf((await user.page('/2fa/setup')).body), /has to have/)
  t.equal(await statusOf(admin, '/public'), 200, 'an exempt route stays open')

  const { client } = await enrol(host, 'root')
  t.equal(await statusOf(client), 200)
  t.notMatch(textOf((await client.page('/2fa/setup')).body), /has to have/, 'of a further one nothing is said')
  admins.add('ada')
  t.equal(await statusOf(user), 403, 'a role that changes counts from the next request on')
})

t.test('by tenant: the policy sees the request, and the user as getUser answered', async t => {
  const strict: Account = { id: 'ada', label: 'ada', role: 'user', tenant: { strict: true } }
  const lax: Account = { id: 'bob', label: 'bob', role: 'user', tenant: { strict: false } }
  const options: TwoFactorOptions<Account> = {
    issuer: 'Acme',
    encryptionKeys: [],
    storage: kyselyStorage(await openDatabase()),
    getUser: ({ headers }) => [strict, lax].find(({ id }) => id === headers['x-user']),
    policy: (request, { tenant, role }) =>
      tenant?.strict || role === 'admin' || request.headers.host === 'strict.example' ? 'required' : 'optional'
  }
  const { getUser, policy = () => 'optional' } = options
  const { app } = await buildHost(t, { getUser, policy })
  const as = async (user: string, host = 'app.example') =>
    (await app.inject({ url: '/dashboard', headers: { 'x-user': user, host } })).statusCode
  t.same([await as('ada'), await as('bob'), await as('bob', 'strict.example')], [403, 200, 403])
})

t.test('a policy gets the very user of the host; one without a label still has one', async t => {
  class Person {
    readonly id = 'ada'
    get label () { return 'ada@example.com' }
    get role () { return 'admin' }
  }
  const person = new Person()
  const seen: unknown[] = []
  let user: unknown = person
  const { app } = await buildHost(t, {
    getUser: () => user as Person,
    policy (_request, user) {
      seen.push(user)
      return 'optional'
    }
  })
  await app.inject('/dashboard')
  t.equal(seen.pop(), person)
  user = { id: 'bob', role: 'admin' }
  await app.inject('/dashboard')
  t.same(seen.pop(), { id: 'bob', role: 'admin', label: 'bob' })
})

t.test('a grace period ends to the millisecond, and says how many days are left until then', async t => {
  let now = Date.parse('2026-01-01T00:00:00Z')
  const clock = Object.assign(() => now, { advance (seconds: number) { now += seconds * 1000 } })
  const requiredFrom = new Date('2026-01-15T00:00:00Z')
  const host = await buildHost(t, {
    clock,
    policy: () => ({ requiredFrom }),
    after: app => app.get('/banner', { config: { twoFactor: true } }, async ({ twoFactor }) => twoFactor.requirement())
  })
  const client = await signIn(host)
  const at = (ms: number) => { now = requiredFrom.getTime() - ms }

  for (const [left, daysLeft, words] of [
    [14 * day * 1000, 14, '14 days'], [13 * day * 1000 + 1, 14, '14 days'], [13 * day * 1000, 13, '13 days'],
    [day * 1000 + 1, 2, '2 days'], [day * 1000, 1, '1 day'], [1, 1, '1 day']
  ] as const) {
    at(left)
    t.equal(await statusOf(client), 200, `${left} ms before`)
    const state = { required: false, requiredFrom: '2026-01-15T00:00:00.000Z', daysLeft }
    t.same((await client.get('/banner')).json(), state)
    t.match((await client.get('/2fa/')).json(), state)
    for (const page of ['/2fa/', '/2fa/setup']) {
      t.match(textOf((await client.page(page)).body), `from January 15, 2026 on: you have ${words} left.`, `${page} ${left}`)
    }
  }
  for (const late of [0, 1, day * 1000 * 365]) {
    at(-late)
    t.match((await client.get('/dashboard')).json(), { code: 'FST_2FA_SETUP_REQUIRED' }, `${late} ms after`)
    t.match((await client.get('/2fa/')).json(), { required: true, requiredFrom: '2026-01-15T00:00:00.000Z', daysLeft: null })
    t.notMatch(textOf((await client.page('/2fa/')).body), /left/)
  }

  at(1)
  const enrolled = await enrolByImport(host, 'bob')
  at(-1)
  t.equal(await statusOf(enrolled.client), 200, 'who has it is let in as before')
})

t.test('who has set it up is not told to', async t => {
  const host = await buildHost(t, { policy: () => ({ requiredFrom: new Date('2026-02-01') }) })
  const { client } = await enrolByImport(host)
  for (const page of ['/2fa/', '/2fa/setup']) t.notMatch(textOf((await client.page(page)).body), /has to have/)
})

t.test('a client that has passed, an exempt route and one that insists anyway cost no call of the policy', async t => {
  let calls = 0
  const host = await buildHost(t, {
    revalidate: 0,
    policy () {
      calls++
      return 'required'
    }
  })
  const { client } = await enrolByImport(host)
  const other = await signIn(host)
  const without = await signIn(host, 'eve')
  calls = 0
  t.equal(await statusOf(client), 200)
  t.equal(await statusOf(client, '/admin'), 200)
  t.equal(await statusOf(other), 403)
  t.equal(await statusOf(without, '/public'), 200)
  t.equal(await statusOf(without, '/admin'), 403)
  t.equal(await statusOf(new Client(host.app)), 401)
  t.equal(calls, 0)
  t.equal(await statusOf(without), 403)
  t.equal(calls, 1)
})

t.test('a policy that fails, hangs or answers rubbish lets nobody in, and keeps nobody from setting up', async t => {
  let policy: () => unknown = () => 'optional'
  const host = await buildHost(t, {
    storageTimeout: 100, policy: (() => policy()) as unknown as NonNullable<TwoFactorOptions['policy']>
  })
  const { client: passed } = await enrolByImport(host, 'bob')
  const client = await signIn(host)
  for (const [name, broken] of [
    ['throws', () => { throw new Error('down') }], ['rejects', async () => { throw new Error('down') }], ['hangs', () => new Promise(() => {})],
    ['throws what is let in elsewhere', () => { throw Object.assign(new Error('fine'), { statusCode: 200 }) }]
  ] as Array<[string, () => unknown]>) {
    policy = broken
    const refused = await client.get('/dashboard')
    t.match(refused, { statusCode: 503, headers: { 'retry-after': '5' } }, name)
    t.match(refused.json(), { code: 'FST_2FA_UNAVAILABLE' })
    t.notMatch(refused.body, /down|fine/, 'the cause is for the log')
    t.equal((await client.get('/2fa/')).statusCode, 503, name)
  }
  const invalid = { requiredFrom: new Date(Number.NaN) }
  for (const answer of [
    undefined, null, true, false, '', 'REQUIRED', 'none', 0, {}, [], new Date(), invalid, { requiredFrom: '2026-01-01' }, { requiredFrom: 1 },
    { requiredFrom: null }, { requiredFrom: new Date(), required: false }, { maxAge: 300 }, () => 'optional', ['optional'], { from: new Date(0) }
  ]) {
    policy = () => answer
    const refused = await client.get('/dashboard')
    t.match(refused.json(), { statusCode: 500, code: 'FST_2FA_BAD_OPTION', message: /"policy"/ }, JSON.stringify(answer))
  }
  t.equal(await statusOf(passed), 200, 'who has passed does not depend on it')
  t.equal((await client.page('/2fa/setup')).statusCode, 200)
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  t.equal((await client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })).statusCode, 200)
  t.equal(await statusOf(client), 200)
})

t.test('two-factor stays on where the policy requires it, and goes where it is only required later', async t => {
  let answer: TwoFactorRequirement = 'required'
  let broken = false
  const host = await buildHost(t, {
    async policy () {
      if (broken) throw new Error('down')
      return answer
    }
  })
  const { client, secret } = await enrolByImport(host)
  const [{ id }] = (await client.get('/2fa/')).json<{ authenticators: [{ id: string }] }>().authenticators
  const refused = { statusCode: 409, code: 'FST_2FA_LAST_AUTHENTICATOR' }
  const remove = async () => (await client.request({ method: 'DELETE', url: `/2fa/authenticators/${id}` })).json()
  const disable = async () => {
    host.clock.advance(30)
    return (await client.post('/2fa/disable', { code: codeAt(secret, host.clock) })).json()
  }

  for (const required of ['required', { requiredFrom: new Date(host.clock()) }] as const) {
    answer = required
    t.match(await remove(), { ...refused, message: /Add another authenticator/ })
    t.match(await disable(), { ...refused, message: /cannot be turned off/ })
    t.equal((await client.post('/2fa/disable', { code: wrongCode(secret, host.clock) })).statusCode, 409)
    t.match(await host.app.twoFactor.status('ada'), { enabled: true, failedAttempts: 0 }, 'and the code is not looked at')
    const settings = await client.page('/2fa/')
    t.notMatch(settings.body, 'action="/2fa/disable"')
    t.match(textOf(settings.body), /Turn it off Your account has to have it\./)
  }
  broken = true
  t.match(await remove(), { statusCode: 503 })
  t.match(await disable(), { statusCode: 503 })
  broken = false

  answer = { requiredFrom: new Date(host.clock() + 31_000) }
  t.match((await client.page('/2fa/')).body, 'action="/2fa/disable"')
  t.match(await disable(), { enabled: false })
})

t.test('another authenticator can be removed, the last one cannot', async t => {
  const host = await buildHost(t, { policy: () => 'required' })
  const { client } = await enrolByImport(host)
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  await client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })
  const { authenticators } = (await client.get('/2fa/')).json<{ authenticators: Array<{ id: string }> }>()
  t.equal(authenticators.length, 2)
  const codes = []
  for (const { id } of authenticators) {
    codes.push((await client.request({ method: 'DELETE', url: `/2fa/authenticators/${id}` })).statusCode)
  }
  t.same(codes, [200, 409])
})

t.test('what a policy requires does not depend on the storage', async t => {
  const calls: string[] = []
  const host = await buildHost(t, {
    storage: intercept(kyselyStorage(await openDatabase()), method => calls.push(method)),
    policy: () => ({ requiredFrom: new Date('2026-01-02T00:00:00Z') }),
    after: app => app.get('/banner', { config: { twoFactor: false } }, async ({ twoFactor }) => twoFactor.requirement())
  })
  const client = await signIn(host)
  calls.length = 0
  t.match((await client.get('/banner')).json(), { daysLeft: 1 })
  t.same(calls, [])
  t.equal((await new Client(host.app).get('/banner')).statusCode, 401)
})

t.test('without a policy nothing is required', async t => {
  const host = await buildHost(t, {
    clock: createClock(),
    after: app => app.get('/banner', { config: { twoFactor: false } }, async ({ twoFactor }) => twoFactor.requirement())
  })
  const client = await signIn(host)
  t.same((await client.get('/banner')).json(), { required: false, requiredFrom: null, daysLeft: null })
})

t.test('the types let a policy read what getUser answers, and no more', async t => {
  const account: Account = { id: 'ada', label: 'ada', role: 'admin' }
  const own: Pick<TwoFactorOptions<Account>, 'getUser' | 'policy'> = {
    getUser: async () => account,
    policy: (_request, { role }) => role === 'admin' ? 'required' : 'optional'
  }
  // As `register` takes them.
  const asGiven: Pick<TwoFactorOptions, 'getUser' | 'policy'> = own
  t.equal(asGiven.policy?.({} as FastifyRequest, account), 'required')

  const wrong: Array<Pick<TwoFactorOptions<Account>, 'getUser' | 'policy'>> = [
    // @ts-expect-error -- no role
    { getUser: () => ({ id: 'ada', label: 'ada' }) },
    // @ts-expect-error -- no such requirement
    { getUser: () => account, policy: () => 'always' },
    // @ts-expect-error -- a date, not its text
    { getUser: () => account, policy: () => ({ requiredFrom: '2026-01-01' }) },
    // @ts-expect-error -- an account has no such field
    { getUser: () => account, policy: (_request, { team }) => team ? 'required' : 'optional' },
    // @ts-expect-error -- a policy asks of users, not of routes
    { getUser: () => account, policy: () => ({ maxAge: 300 }) }
  ]
  t.equal(wrong.length, 5)
})
