import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { generateSecret, generateSync } from 'otplib'
import speakeasy from 'speakeasy'
import t from 'tap'
import {
  authenticatorApi, kyselyStorage, localVerifier, type Cipher, type TwoFactorDatabase, type TwoFactorEvent,
  type TwoFactorOptions
} from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { buildHost, codeAt, createClock, encryptionKeys, enrol, signIn, wrongCode } from '../helpers/host.js'
import { bareApp, body, handler } from './hosts.js'
import { load } from './snippets.js'

type Register = (app: FastifyInstance, options: TwoFactorOptions) => Promise<void>

t.test('events: mails, the end of other sessions, a SIEM, a counter and the audit', async t => {
  const told: string[] = []
  Object.assign(globalThis, {
    sendMail: async (...mail: string[]) => { told.push(mail.join(' | ')) },
    sessions: { endAllOf: async (userId: string) => { told.push(`sessions of ${userId}`) } }
  })
  const { onEvent: mail } = await load<{ onEvent: (event: TwoFactorEvent) => Promise<void> }>('mail-on-events')
  const { onEvent: end } = await load<{ onEvent: (event: TwoFactorEvent) => Promise<void> }>('end-sessions')
  const host = await buildHost(t, {
    onEvent: async event => {
      await mail(event)
      await end(event)
    }
  })
  await enrol(host)
  await host.app.twoFactor.reset('ada')
  await new Promise(resolve => setImmediate(resolve))
  t.match(told, [
    /^ada \| An authenticator was added to your account \| At 2026-01-01T00:00:00.000Z from 127.0.0.1. /,
    /^ada \| Support has reset your two-factor authentication \| /,
    'sessions of ada'
  ])
})

t.test('events: one line for a SIEM', async t => {
  const { write } = process.stdout
  const lines: string[] = []
  await load('siem')
  const host = await buildHost(t)
  // Standard output is where tap reports: it has only these lines in the meantime.
  process.stdout.write = (chunk: string | Uint8Array) => lines.push(String(chunk)) > 0
  try {
    await enrol(host)
  } finally {
    process.stdout.write = write
  }
  t.match(lines.map(line => JSON.parse(line) as unknown), [
    { source: 'two-factor', type: 'setup-started', userId: 'ada' }, { source: 'two-factor', type: 'setup-confirmed' }
  ])
})

t.test('events: a counter of OpenTelemetry, and the audit', async t => {
  const counted: unknown[] = []
  const { metrics } = await import('@opentelemetry/api')
  metrics.setGlobalMeterProvider({
    getMeter: () => ({ createCounter: () => ({ add: (...given: unknown[]) => counted.push(given) }) })
  } as unknown as Parameters<typeof metrics.setGlobalMeterProvider>[0])
  const { register } = await load<{ register: Register }>('opentelemetry')
  const { app, options, clock } = await bareApp(t)
  await register(app, options)
  await enrol({ app, clock })
  await new Promise(resolve => setImmediate(resolve))
  t.same(counted, [[1, { type: 'setup-started' }], [1, { type: 'setup-confirmed' }]])

  const audit = await load<{
    register: Register
    history: (app: FastifyInstance, userId: string, before?: string) => Promise<TwoFactorEvent[]>
  }>('audit')
  const audited = await bareApp(t)
  await audit.register(audited.app, audited.options)
  await enrol(audited)
  const [event] = await audit.history(audited.app, 'ada')
  t.match(event, { type: 'setup-confirmed' })
  t.same(await audit.history(audited.app, 'ada', event?.id), [])
})

t.test('operating: keys that are retired', async t => {
  const storage = kyselyStorage(await openDatabase())
  await enrol(await buildHost(t, { storage }))
  const { app } = await buildHost(t, { storage, encryptionKeys: [randomBytes(32).toString('base64'), ...encryptionKeys] })
  const logged: unknown[] = []
  const { log } = console
  console.log = (...given: unknown[]) => { logged.push(...given) }
  await body('retire-old-keys', app).finally(() => { console.log = log })
  t.match(logged, ['1 of 2', '2 of 2', { by: 'encryptionKeys', current: true, secrets: 1, recoverySalts: 1 }])
})

t.test('operating: all passes are ended after a restore, and a user is forgotten', async t => {
  const db = await openDatabase()
  const host = await buildHost(t, { storage: kyselyStorage(db), audit: true, revalidate: 0, trustedDevices: true })
  const { client } = await enrol(host)
  t.equal((await client.get('/dashboard')).statusCode, 200)
  await body('after-a-restore', db)
  t.equal((await client.get('/dashboard')).statusCode, 403)

  await enrol(host, 'bob')
  await body('forget-a-user', host.app, db, 'ada')
  for (const table of ['users', 'authenticators', 'passes', 'used_codes', 'trusted_devices', 'events'] as const) {
    const rows = await db.selectFrom(`two_factor_${table}`).select('user_id').distinct().execute()
    t.notMatch(JSON.stringify(rows), 'ada', table)
  }
  t.equal((await host.app.twoFactor.status('bob')).enabled, true)
})

interface KmsInput {
  Plaintext: Uint8Array
  CiphertextBlob: Uint8Array
  EncryptionContext: unknown
}

t.test('operating: a key management service', async t => {
  // As the real one does, it opens nothing under another context.
  const start = ({ EncryptionContext }: KmsInput) => Buffer.from(`${JSON.stringify(EncryptionContext)} `)
  const kms = {
    encrypt: async (input: KmsInput) => ({ CiphertextBlob: Buffer.concat([start(input), input.Plaintext]) }),
    decrypt: async (input: KmsInput) => {
      const sealed = Buffer.from(input.CiphertextBlob)
      if (!sealed.subarray(0, start(input).length).equals(start(input))) throw new Error('InvalidCiphertextException')
      return { Plaintext: sealed.subarray(start(input).length) }
    }
  }
  const { kmsCipher } = await load<{ kmsCipher: (client: typeof kms, keyId: string) => Cipher }>('kms-cipher')
  const host = await buildHost(t, { encryptionKeys: undefined as never, cipher: kmsCipher(kms, 'key-1') })
  const { secret } = await enrol(host)
  host.clock.advance(30)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode, 200)
})

t.test('operating: with a Redis that is away, the limit of the account holds', async t => {
  const redis = new Redis({ port: 1, lazyConnect: true, maxRetriesPerRequest: 0, enableOfflineQueue: false })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  const { register } = await load<{ register: (app: FastifyInstance, options: TwoFactorOptions, redis: unknown) => Promise<void> }>('redis')
  const { app, clock, options } = await bareApp(t)
  await register(app, options, redis)
  const { secret } = await enrol({ app, clock })
  const client = await signIn({ app, clock })
  const codes: string[] = []
  for (let attempt = 0; attempt < 6; attempt++) {
    codes.push((await client.post('/2fa/verify', { code: wrongCode(secret, clock) })).json<{ code: string }>().code)
  }
  t.same(codes, [...Array<string>(5).fill('FST_2FA_INVALID_CODE'), 'FST_2FA_LOCKED'])
})

t.test('a remote verifier is registered, and a server of your own answers', async t => {
  const { app, options } = await bareApp(t)
  await body('remote-verifier', app, options)
  await app.ready()
  t.ok(app.hasDecorator('twoFactor'))

  const server = Fastify()
  t.teardown(() => server.close())
  await body('server-of-your-own', server)
  const paired = await server.inject('/authenticator/pair.aspx?AppName=Acme&AppInfo=ada&SecretCode=12345678BXYT')
  t.match(paired.body, 'GEZDGNBVGY3TQQSYLFKA')
})

t.test('migrating: from libraries, after Express, and verifiers that are switched', async t => {
  const clock = createClock()
  const host = await buildHost(t, { clock, after: app => body('after-express', app, handler) })
  const passes = async (user: string, code: string) => {
    const client = await signIn(host, user)
    const before = await client.get('/account')
    await client.post('/2fa/verify', { code })
    return [before.statusCode, (await client.get('/account')).statusCode, (await client.post('/account/password')).statusCode]
  }
  const epoch = clock() / 1000

  const ofOtplib = generateSecret()
  await body('from-libraries', host.app, 'otplib', ofOtplib)
  t.same(await passes('otplib', generateSync({ secret: ofOtplib, epoch })), [403, 200, 200])

  const { take } = await load<{ take: (app: FastifyInstance, userId: string, secret: object) => Promise<boolean> }>('from-speakeasy')
  const generated = speakeasy.generateSecret()
  for (const written of ['base32', 'ascii', 'hex'] as const) {
    await take(host.app, written, { [written]: generated[written] })
    const token = speakeasy.totp({ secret: generated.base32, encoding: 'base32', time: epoch })
    t.same(await passes(written, token), [403, 200, 200], `speakeasy, ${written}`)
  }
})

t.test('migrating: verifiers are switched, and back if they can be', async t => {
  const db = await openDatabase()
  const { app } = await buildHost(t, {
    storage: kyselyStorage(db), verifier: [localVerifier(), authenticatorApi({ url: 'https://www.authenticatorapi.com' })]
  })
  await app.twoFactor.importSecret('ada', { secret: '12345678BXYT', encoding: 'ascii', kind: 'authenticator-api' })
  await app.twoFactor.importSecret('bob', { secret: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' })
  const { goLocal, goRemote } = await load<{
    goLocal: (app: FastifyInstance, db: Kysely<TwoFactorDatabase>) => Promise<void>
    goRemote: (app: FastifyInstance, userId: string) => Promise<boolean>
  }>('switch-verifiers')
  await goLocal(app, db)
  t.match(await app.twoFactor.status('ada'), { authenticators: [{ kind: 'local' }] })
  t.same([await goRemote(app, 'ada'), await goRemote(app, 'bob')], [true, false])
})
