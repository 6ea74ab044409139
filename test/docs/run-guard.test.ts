import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Kysely } from 'kysely'
import t from 'tap'
import {
  kyselyStorage, type ProofMethod, type TwoFactorDatabase, type TwoFactorOptions, type TwoFactorStorage,
  type TwoFactorUser
} from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { buildHost, Client, codeAt, encryptionKeys, enrol, signIn } from '../helpers/host.js'
import { bareApp, body, handler } from './hosts.js'
import { load } from './snippets.js'

type Find = (token: string) => Promise<{ id: string, email: string } | null>

t.test('README: routes, sign-out, help for a user, and an import', async t => {
  const host = await buildHost(t, {
    after: async app => {
      await app.register(async scope => {
        await body('readme-routes', scope, handler)
      }, { prefix: '/of-the-readme' })
      await app.register(async scope => {
        await body('readme-sign-out', scope)
      }, { prefix: '/of-the-readme' })
    }
  })
  const { client } = await enrol(host)
  host.clock.advance(301)
  const statuses = async (client: Client) => Promise.all([
    client.get('/of-the-readme/dashboard'), client.get('/of-the-readme/admin'), client.post('/of-the-readme/transfer'), client.get('/of-the-readme/public')
  ].map(async response => (await response).statusCode))
  t.same(await statuses(client), [200, 200, 403, 200], 'passed, but not lately')
  t.same(await statuses(await signIn(host)), [403, 403, 403, 200], 'not passed')
  t.same(await statuses(await signIn(host, 'bob')), [200, 403, 403, 200], 'no two-factor')

  t.equal((await client.post('/of-the-readme/logout')).statusCode, 303)
  t.equal((await client.get('/dashboard')).statusCode, 401)

  await body('readme-help', host.app, 'ada')
  t.equal((await host.app.twoFactor.status('ada')).enabled, false)
  await body('readme-bring', host.app, 'ada', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP')
  t.equal((await host.app.twoFactor.status('ada')).enabled, true)
})

t.test('protecting routes: by policy, with a grace period, as a hook, in a handler, and in the order of hooks', async t => {
  const host = await buildHost(t, {
    policy: () => ({ requiredFrom: new Date('2026-01-11T00:00:00Z') }),
    after: async app => {
      await body('grace-period', app)
      await body('guard-as-a-hook', app, handler)
      await body('decision-in-a-handler', app)
    }
  })
  const bob = await signIn(host, 'bob')
  t.match((await bob.get('/home')).json(), { required: false, banner: 'Set up two-factor by Sun Jan 11 2026: 10 days left' })
  t.match((await bob.get('/hooks')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
  const { client } = await enrol(host)
  t.equal((await client.get('/hooks')).statusCode, 200)
  host.clock.advance(61)
  t.match((await client.post('/pay', { amount: 1000 })).json(), { paid: 1000 })
  t.match((await client.post('/pay', { amount: 1001 })).json(), { code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' })

  const { app, options: { storage } } = await bareApp(t)
  app.post<{ Body: object }>('/member', async request => {
    Object.assign(request.session, { member: request.body })
    return {}
  })
  process.env.TWO_FACTOR_KEY = encryptionKeys[0]
  const { app: withPolicy } = await load<{ app: (app: FastifyInstance, storage: TwoFactorStorage) => Promise<void> }>('policy')
  await withPolicy(app, storage)
  app.get('/guarded', { config: { twoFactor: true } }, handler)
  for (const [role, twoFactorFrom, status] of [['admin', null, 403], ['member', null, 200], ['member', '2020-01-01', 403]] as const) {
    const client = new Client(app)
    await client.post('/member', { id: role, label: role, role, tenant: { twoFactorFrom } })
    t.equal((await client.get('/guarded')).statusCode, status, `${role} ${twoFactorFrom}`)
  }
})

t.test('protecting routes: who is signed in is found in a hook before', async t => {
  const { app, options: { storage } } = await bareApp(t)
  const { app: inOrder } = await load<{
    app: (app: FastifyInstance, storage: TwoFactorStorage, find: Find) => Promise<void>
  }>('order-of-hooks')
  await inOrder(app, storage, async token => token === 'ada' ? { id: 'ada', email: 'ada@example.com' } : null)
  app.get('/guarded', { config: { twoFactor: true } }, handler)
  const status = async (authorization: string) => (await app.inject({ url: '/guarded', headers: { authorization } })).statusCode
  t.same([await status('ada'), await status('eve')], [200, 401])
})

t.test('a back office', async t => {
  const host = await buildHost(t, {
    after: app => body('back-office', app, async (request: FastifyRequest) => {
      if (request.session.user?.id !== 'root') throw Object.assign(new Error('Not you'), { statusCode: 403 })
    })
  })
  await enrol(host)
  const { client } = await enrol(host, 'root')
  t.match((await client.get('/admin/2fa/users/ada')).json(), { enabled: true })
  t.equal((await (await signIn(host)).get('/admin/2fa/users/ada')).statusCode, 403)
})

t.test('bearer tokens', async t => {
  const users = new Map([['token-of-ada', { id: 'ada', label: 'ada' }]])
  const { build } = await load<{ build: (db: Kysely<TwoFactorDatabase>, users: Map<string, TwoFactorUser>) => Promise<FastifyInstance> }>('bearer')
  process.env.TWO_FACTOR_KEY = encryptionKeys[0]
  const app = await build(await openDatabase(), users)
  t.teardown(() => app.close())
  const client = new Client(app)
  client.headers = { authorization: 'Bearer token-of-ada' }
  t.equal((await client.get('/me')).statusCode, 200)
  const { secret, setupToken } = (await client.post('/2fa/setup')).json<{ secret: string, setupToken: string }>()
  const { proofToken } = (await client.post('/2fa/setup/confirm', { code: codeAt(secret, Date.now), setupToken })).json<{ proofToken: string }>()
  t.equal((await client.get('/me')).statusCode, 403)
  t.equal((await client.get('/me', { 'two-factor-proof': proofToken })).statusCode, 200)

  const { proof } = await load<{ proof: (sid: (request: FastifyRequest) => string | undefined) => NonNullable<TwoFactorOptions['proof']> }>('bearer-credential')
  const bySession = await buildHost(t, { proof: proof(request => request.headers['x-sid'] as string) })
  const other = await signIn(bySession)
  other.headers = { 'x-sid': 'one' }
  const setup = (await other.post('/2fa/setup')).json<{ secret: string, setupToken: string }>()
  const token = (await other.post('/2fa/setup/confirm', { code: codeAt(setup.secret, bySession.clock), setupToken: setup.setupToken }))
    .json<{ proofToken: string }>().proofToken
  const as = async (sid: string) => (await other.get('/dashboard', { 'x-sid': sid, 'two-factor-proof': token })).statusCode
  t.same([await as('one'), await as('two')], [200, 403])
})

t.test('trusted devices', async t => {
  const { app, options, clock } = await bareApp(t)
  await body('trusted-devices', app, options)
  app.get('/dashboard', { config: { twoFactor: true } }, handler)
  const { client, secret } = await enrol({ app, clock })
  clock.advance(30)
  t.equal((await client.post('/2fa/verify', { code: codeAt(secret, clock), trustDevice: true })).statusCode, 200)
  const device = Object.keys(client.cookies).find(name => name.includes('two-factor-device')) ?? ''
  const later = await signIn({ app, clock })
  later.cookies[device] = client.cookies[device] ?? ''
  t.equal((await later.get('/dashboard')).statusCode, 200)
})

t.test('another method: a code by mail, good once', async t => {
  const db = await openDatabase()
  await db.schema.createTable('mailed_codes').ifNotExists()
    .addColumn('user_id', 'text', column => column.primaryKey())
    .addColumn('hash', 'bytea', column => column.notNull())
    .addColumn('expires_at', 'timestamptz', column => column.notNull())
    .execute()
  const mails: string[] = []
  Object.assign(globalThis, { sendMail: async (to: string, text: string) => { mails.push(`${to}: ${text}`) } })
  const { mailedCode } = await load<{ mailedCode: (db: Kysely<TwoFactorDatabase>) => ProofMethod }>('mailed-code')
  const host = await buildHost(t, { storage: kyselyStorage(db), methods: { mail: mailedCode(db) } })
  await enrol(host)
  const client = await signIn(host)
  await client.post('/2fa/methods/mail/start')
  t.match(mails, [/^ada@example\.com: Your code is \d{8}$/])
  const proof = mails[0]?.slice(-8) ?? ''
  t.equal((await client.post('/2fa/methods/mail', { proof: '00000000' })).statusCode, 401)
  t.equal((await client.post('/2fa/methods/mail', { proof })).statusCode, 200)
  t.equal((await client.get('/dashboard')).statusCode, 200)
  t.equal((await (await signIn(host)).post('/2fa/methods/mail', { proof })).statusCode, 401)
})
