import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import t, { type Test } from 'tap'
import twoFactor, {
  authenticatorApi, bearerProof, errors, kyselyStorage, localVerifier, sessionProof, type TwoFactorOptions
} from '../plugin/index.js'
import { resolveOptions, type ResolvedOptions } from '../plugin/options.js'
import { openDatabase } from './helpers/database.js'
import { buildHost, codeAt, encryptionKeys, enrol, intercept, signIn } from './helpers/host.js'
import { freePort } from './helpers/postgres.js'

const storage = kyselyStorage(new Kysely<unknown>({ dialect: new PostgresDialect({ pool: new pg.Pool() }) }))
const required: TwoFactorOptions = { issuer: 'Acme', storage, encryptionKeys, getUser: () => null }

/** With one option set to anything at all. */
const given = (option: string, value: unknown) => ({ ...required, [option]: value }) as unknown as TwoFactorOptions

t.test('every default is the value that the documentation states', async t => {
  const { proof, verifier, verifiers, ...resolved } = resolveOptions(required)
  const { encryptionKeys: _, ...kept } = required
  t.same(resolved, {
    ...kept,
    prefix: '/2fa',
    routes: true,
    protect: 'marked',
    policy: undefined,
    loginUrl: null,
    verifyUrl: undefined,
    setupUrl: undefined,
    defaultRedirect: '/',
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
    window: 1,
    resync: { maxDrift: 600 },
    lockout: { attempts: 5, duration: 60_000, maxDuration: 3_600_000, disableAfter: 100 },
    rateLimit: {},
    setupTtl: 600_000,
    recoveryCodes: 10,
    maxAuthenticators: 5,
    stepUpMaxAge: 300,
    passTtl: 86_400_000,
    trustedDevices: false,
    revalidate: 30,
    storageTimeout: 2000,
    pages: {
      shown: true, name: 'Acme', logo: undefined, theme: {}, language: undefined, defaultLanguage: 'en', messages: {}, render: undefined, contentSecurityPolicy: {}
    },
    audit: false,
    methods: {},
    onEvent: undefined,
    clock: Date.now
  })
  t.equal(proof.ambient, true, 'sessionProof()')
  t.equal(verifier.kind, 'local')
  t.same([...verifiers.values()], [verifier])
  t.ok(Object.isFrozen(resolveOptions(required)) && Object.isFrozen(resolveOptions(required).lockout))
})

t.test('an option that is undefined has its default', async t => {
  const names = Object.keys(resolveOptions(required)).filter(name => !(name in required) && name !== 'verifiers')
  const blank = Object.fromEntries(names.map(name => [name, undefined]))
  // Each call makes its own of these three.
  const comparable = ({ proof: _, verifier: __, verifiers: ___, ...resolved }: ResolvedOptions) => resolved
  t.same(comparable(resolveOptions({ ...blank, ...required })), comparable(resolveOptions(required)))
})

const no = [null, 0, 1, '', 'x', {}, [], Symbol('x')]

/** What each option takes, what it refuses, and what the refusal says. */
const cases: Record<string, { good: unknown[], bad: unknown[], says: RegExp }> = {
  issuer: { good: ['Acme', 'Acme & Söhne', '<b>'], bad: [undefined, null, '', ' ', '\t', 'Acme: Inc', ':', 1, {}, ['Acme']], says: /a name without a colon/ },
  storage: { good: [storage], bad: [undefined, null, 'postgres://x', 1, {}, [], () => storage, { claimAttempt: 1 }], says: /kyselyStorage\(db\)/ },
  getUser: { good: [() => null, async () => null], bad: [undefined, null, 'ada', {}, { id: 'ada', label: 'ada' }], says: /a function that answers \{ id, label \} or null/ },
  prefix: { good: ['/2fa', '/a/b-c_d.e~f'], bad: ['', '/', '2fa', '/2fa/', '//2fa', '/2 fa', '/2fa?x', '/:id', '/*', '/2fa#', '/../2fa/', null, true, 1, {}], says: /starts with a slash/ },
  routes: { good: [true], bad: no, says: /true or false/ },
  proof: { good: [sessionProof(), bearerProof()], bad: [null, 'session', 1, {}, sessionProof], says: /sessionProof\(\) or bearerProof\(\)/ },
  cipher: {
    good: [undefined, { seal () {}, open () {} }, { keyId: 'a', seal () {}, open () {} }],
    bad: [null, 'kms', 1, {}, { seal () {} }, { keyId: 1, seal () {}, open () {} }],
    says: /the functions seal and open/
  },
  verifier: {
    good: [localVerifier(), [localVerifier()], [authenticatorApi({ url: 'https://example.com' }), localVerifier()]],
    bad: [null, 'local', 1, {}, localVerifier, [], [localVerifier(), null], { kind: 1, check () {} }],
    says: /a verifier, such as localVerifier\(\), or a list/
  },
  protect: { good: ['marked', 'all'], bad: [null, 'ALL', 'none', '', true, false, 1], says: /"marked" or "all"/ },
  policy: { good: [() => 'optional', async () => 'required'], bad: [null, 'required', true, 1, {}, new Date()], says: /a function/ },
  loginUrl: { good: [null, '/login', '/login?x=1', 'https://id.example.com/login', 'http://localhost:3000'], bad: ['', 'login', '//evil.example', '/\\evil', 'javascript:alert(1)', '/a b', '/a\n', 1, true, {}], says: /a path or URL, or null/ },
  verifyUrl: { good: ['/code', 'https://id.example.com/code'], bad: [null, '', 'code', '//evil.example', '/\\evil', 'javascript:alert(1)', 1, {}], says: /a path or URL/ },
  setupUrl: { good: ['/enrol'], bad: [null, '', 'enrol', '//evil.example', 1, {}], says: /a path or URL/ },
  defaultRedirect: { good: ['/', '/home', 'https://www.example.com/'], bad: [null, '', 'home', '//evil.example', 'data:x', 1, {}], says: /a path or URL/ },
  algorithm: { good: ['SHA1', 'SHA256', 'SHA512'], bad: [null, 'sha1', 'MD5', '', 1], says: /"SHA1", "SHA256" or "SHA512"/ },
  digits: { good: [6, 7, 8], bad: [0, 5, 9, 6.5, '6', Number.NaN, Infinity, {}, true], says: /an integer from 6 to 8/ },
  period: { good: [15, 30, 120], bad: [0, 14, 121, 30.5, '30', -30, Number.NaN], says: /an integer from 15 to 120/ },
  window: { good: [0, 1, 2], bad: [-1, 3, 1.5, '1', Number.NaN, false], says: /an integer from 0 to 2/ },
  resync: { good: [{}, { maxDrift: 30 }, { maxDrift: 600 }, false], bad: [null, true, 600, 'x'], says: /an object with maxDrift, or false/ },
  rateLimit: { good: [false, {}, { max: 5 }], bad: [true, 5, '5', null], says: /the options of @fastify\/rate-limit, or false/ },
  lockout: { good: [{}, { attempts: 3 }], bad: [null, false, 5, 'x'], says: /an object/ },
  setupTtl: { good: [60_000, 3_600_000], bad: [0, 59_999, 3_600_001, '600000', Number.NaN], says: /an integer from 60000 to 3600000/ },
  recoveryCodes: { good: [5, 20], bad: [0, 4, 21, 7.5, '10'], says: /an integer from 5 to 20/ },
  maxAuthenticators: { good: [1, 20], bad: [0, 21, '5', Infinity], says: /an integer from 1 to 20/ },
  stepUpMaxAge: { good: [1, 86_400], bad: [0, 86_401, '300', -1], says: /an integer from 1 to 86400/ },
  passTtl: { good: [60_000, 2_592_000_000], bad: [0, 59_999, 2_592_000_001, '1', Infinity], says: /an integer from 60000 to 2592000000/ },
  trustedDevices: { good: [true, false, {}, { ttl: 60_000, cookieName: 'acme' }], bad: [null, 0, 1, '', 'x', [], Symbol('x')], says: /false, true or \{ ttl, cookieName \}/ },
  revalidate: { good: [0, 3600], bad: [-1, 3601, 0.5, '30', true], says: /an integer from 0 to 3600/ },
  storageTimeout: { good: [100, 30_000], bad: [0, 99, 30_001, '2000', Infinity], says: /an integer from 100 to 30000/ },
  pages: { good: [true, false, {}, { name: 'Acme Ltd' }], bad: [null, 0, 1, '', 'x', [], Symbol('x')], says: /true, false or an object/ },
  methods: {
    good: [{}, { 'by-mail': { label: 'Mail', check: () => false } }],
    bad: [null, 1, 'x', { Mail: { label: 'Mail', check: () => false } }, { mail: {} }, { mail: { label: 'Mail' } }, { mail: null }],
    says: /methods by name/
  },
  audit: { good: [true, false], bad: no, says: /true or false/ },
  onEvent: { good: [() => {}], bad: [null, 'log', {}, 1, true], says: /a function/ },
  clock: { good: [() => 0], bad: [null, 0, Date.UTC(2026), 'now', {}], says: /a function that answers milliseconds/ }
}

t.test('every option is checked, with a message that says what to do', async t => {
  for (const [option, { good, bad, says }] of Object.entries(cases)) {
    for (const value of good) t.doesNotThrow(() => resolveOptions(given(option, value)), `${option}: ${String(value)}`)
    for (const value of bad) {
      const label = `${option}: ${typeof value === 'object' ? JSON.stringify(value) : String(value)}`
      try {
        resolveOptions(given(option, value))
        t.fail(label)
      } catch (error) {
        t.ok(error instanceof errors.BadOptionError && error instanceof TypeError, label)
        t.match(error, { code: 'FST_2FA_BAD_OPTION', message: says })
        t.match((error as Error).message, new RegExp(`^Option "${option}" of fastify-authenticator-2fa must be `))
      }
    }
  }
  // The keys have their own test; the verifiers are made of the option verifier.
  const checked = new Set([...Object.keys(cases), 'encryptionKeys', 'verifiers'])
  for (const option of Object.keys(resolveOptions(required))) t.ok(checked.has(option), `${option} has its cases here`)
})

t.test('every part of resync is checked', async t => {
  for (const maxDrift of [29, 601, 60.5, '60', Number.NaN]) {
    t.throws(() => resolveOptions(given('resync', { maxDrift })), { code: 'FST_2FA_BAD_OPTION', message: /"resync.maxDrift"/ })
  }
  t.throws(() => resolveOptions(given('resync', { drift: 60 })), { code: 'FST_2FA_BAD_OPTION', message: /resync\.drift/ })
})

t.test('every part of lockout is checked', async t => {
  const good = [
    { attempts: 1 }, { attempts: 20, disableAfter: 20 }, { disableAfter: 5 }, { duration: 1000, maxDuration: 1000 },
    { duration: 7_200_000 }, { duration: 86_400_000 }
  ]
  for (const lockout of good) t.doesNotThrow(() => resolveOptions(given('lockout', lockout)), JSON.stringify(lockout))
  t.equal(resolveOptions(given('lockout', { duration: 7_200_000 })).lockout.maxDuration, 7_200_000, 'the longest is at least the first')
  for (const [lockout, option] of [
    [{ attempts: 0 }, 'lockout.attempts'], [{ attempts: 21 }, 'lockout.attempts'], [{ attempts: '5' }, 'lockout.attempts'], [{ duration: 999 }, 'lockout.duration'],
    [{ duration: 86_400_001 }, 'lockout.duration'], [{ maxDuration: 59_999 }, 'lockout.maxDuration'], [{ maxDuration: 86_400_001 }, 'lockout.maxDuration'],
    [{ disableAfter: 0 }, 'lockout.disableAfter'], [{ disableAfter: 101 }, 'lockout.disableAfter'], [{ disableAfter: 4 }, 'lockout.disableAfter'], [{ disableAfter: Infinity }, 'lockout.disableAfter'],
    [{ attempt: 5 }, 'lockout.attempt']
  ] as const) {
    t.throws(() => resolveOptions(given('lockout', lockout)), { code: 'FST_2FA_BAD_OPTION', message: new RegExp(`^Option "${option}" `) }, JSON.stringify(lockout))
  }
})

t.test('an option that there is not is refused by name, so that a typing error protects nobody less', async t => {
  for (const option of ['protectAll', 'Issuer', 'issuers', 'isuer', 'encryptionKey', 'lockOut', 'url', 'name']) {
    t.throws(() => resolveOptions(given(option, 1)), { code: 'FST_2FA_BAD_OPTION', message: new RegExp(`^Option "${option}" .* left out: there is no such option`) })
  }
  t.doesNotThrow(() => resolveOptions({ ...required, logLevel: 'warn', logSerializers: {} } as TwoFactorOptions), 'but for Fastify\'s own')
  for (const options of [undefined, null, 'x', 1]) t.throws(() => resolveOptions(options as unknown as TwoFactorOptions), { code: 'FST_2FA_BAD_OPTION' })
})

t.test('routes: false and prefix: false need to be told where the pages are', async t => {
  for (const off of [{ routes: false }, { prefix: false }]) {
    t.throws(() => resolveOptions({ ...required, ...off } as TwoFactorOptions),
      { message: /"verifyUrl".*routes: false needs it/ })
    t.throws(() => resolveOptions({ ...required, ...off, verifyUrl: '/code' } as TwoFactorOptions), { message: /"setupUrl".*routes: false needs it/ })
    t.match(resolveOptions({ ...required, ...off, verifyUrl: '/code', setupUrl: '/enrol' } as TwoFactorOptions), { routes: false, verifyUrl: '/code' })
  }
})

/** What registering with these options comes to: `undefined` if the app starts. */
async function start (t: Test, options: Partial<TwoFactorOptions>, { sessions = true, log = [] as string[] } = {}) {
  const app = Fastify({ logger: { level: 'warn', stream: { write: line => log.push(line) } } })
  t.teardown(() => app.close())
  if (sessions) {
    await app.register(cookie)
    await app.register(session, { secret: 'x'.repeat(32) })
  }
  try {
    await app.register(twoFactor, { ...required, ...options })
    await app.ready()
  } catch (error) {
    return error as Error
  }
}

t.test('E1 bad options and missing or weak keys refuse the registration', async t => {
  t.match(await start(t, { issuer: 'a:b' }), { code: 'FST_2FA_BAD_OPTION', message: /issuer/ })
  for (const keys of [undefined, [], [''], [undefined], ['secret'], [Buffer.alloc(32).toString('base64')], [randomBytes(16).toString('base64')], encryptionKeys[0]]) {
    const refused = await start(t, { encryptionKeys: keys as string[] })
    t.match(refused, { code: 'FST_2FA_BAD_OPTION', message: /"encryptionKeys".*crypto\.randomBytes\(32\)/ }, JSON.stringify(keys))
    for (const key of [keys].flat()) if (key) t.notOk(refused?.message.includes(key), 'without repeating it')
  }
})

t.test('without the session plugin the registration is refused, with what to do', async t => {
  t.match(await start(t, {}, { sessions: false }), { code: 'FST_2FA_BAD_OPTION', message: /"proof".*registered after @fastify\/session, or be bearerProof\(\)/ })
  const bearer = { proof: bearerProof(), storage: kyselyStorage(await openDatabase()) }
  t.equal(await start(t, bearer, { sessions: false }), undefined)
})

t.test('E1 a key that does not fit a filled database refuses to start, and an empty one does not', async t => {
  const filled = kyselyStorage(await openDatabase())
  const other = randomBytes(32).toString('base64')
  t.equal(await start(t, { storage: filled, encryptionKeys: [other] }), undefined, 'empty')
  await enrol(await buildHost(t, { storage: filled, recoveryCodes: 5 }))
  const refused = await start(t, { storage: filled, encryptionKeys: [other] })
  t.match(refused, { code: 'FST_2FA_BAD_OPTION', message: /"encryptionKeys".*what the database was filled with.*sealed with key [0-9a-f]{8}.*add that key again/ })
  t.notOk(refused?.message.includes(encryptionKeys[0] ?? ''))
  t.equal(await start(t, { storage: filled, encryptionKeys: [other, ...encryptionKeys] }), undefined, 'a rotated ring')
})

t.test('missing tables refuse to start, with what to do', async t => {
  const db = await openDatabase()
  await sql`create schema if not exists empty`.execute(db)
  const refused = await start(t, { storage: kyselyStorage(db.withSchema('empty')) })
  t.match(refused, { code: 'FST_2FA_BAD_OPTION', message: /"storage".*migrated: run `await migrate\(db\)` before the app starts/ })
})

t.test('D1 a database that is out of reach at the start does not keep the app from starting, and is warned of', async t => {
  const pool = new pg.Pool({ host: '127.0.0.1', port: await freePort(), connectionTimeoutMillis: 500 })
  pool.on('error', () => {})
  const db = new Kysely({ dialect: new PostgresDialect({ pool }) })
  t.teardown(() => db.destroy())
  const log: string[] = []
  t.equal(await start(t, { storage: kyselyStorage(db) }, { log }), undefined)
  t.match(log.join(''), /starts without its storage; its routes answer 503 until it is back/)

  const hanging = intercept(storage, () => new Promise(() => {}))
  t.equal(await start(t, { storage: hanging, storageTimeout: 100 }, { log }), undefined, 'nor one that hangs')
})

t.test('options are read once', async t => {
  const options = { ...required, lockout: { attempts: 5 } }
  const resolved = resolveOptions(options)
  options.issuer = 'Evil'
  options.lockout.attempts = 20
  t.match(resolved, { issuer: 'Acme', lockout: { attempts: 5 } })
})

t.test('the period and the digest of an enrolment are its own: changed options leave old ones working', async t => {
  const filled = kyselyStorage(await openDatabase())
  const before = await buildHost(t, { storage: filled, recoveryCodes: 5 })
  const { secret } = await enrol(before)
  before.clock.advance(30)
  const after = await buildHost(t, { storage: filled, clock: before.clock, algorithm: 'SHA512', digits: 8, period: 60 })

  t.equal((await (await signIn(after)).post('/2fa/verify', { code: codeAt(secret, before.clock) })).statusCode, 200)
})

t.test('verifiers: one of each kind, a local one always, and none for codes that it cannot check', async t => {
  const api = authenticatorApi({ url: 'https://example.com' })
  t.same([...resolveOptions({ ...required, verifier: api }).verifiers.keys()], ['authenticator-api', 'local'])
  t.equal(resolveOptions({ ...required, verifier: [api, localVerifier()] }).verifier, api)
  t.throws(() => resolveOptions({ ...required, verifier: [api, api] }), { code: 'FST_2FA_BAD_OPTION', message: /one verifier of each kind/ })
  for (const codes of [{ digits: 8 }, { period: 60 }, { algorithm: 'SHA256' }] as const) {
    t.throws(() => resolveOptions({ ...required, ...codes, verifier: api }), {
      code: 'FST_2FA_BAD_OPTION', message: /AuthenticatorAPI\.com knows SHA1, 6 digits and 30 seconds/
    })
    t.doesNotThrow(() => resolveOptions({ ...required, ...codes, verifier: [localVerifier(), api] }))
  }
})
