import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import {
  kyselyStorage, type RequestTwoFactor, type TwoFactorDatabase, type TwoFactorEvent, type TwoFactorStatus
} from '../plugin/index.js'
import { decodeBase32 } from '../plugin/otp/base32.js'
import { openDatabase } from './helpers/database.js'
import {
  buildHost as buildWith, Client, codeAt, createClock, enrol, enrolByImport, intercept, signIn, wrongCode,
  type Enrolled, type Host, type HostOptions
} from './helpers/host.js'

// Each recovery code costs a scrypt.
const buildHost = (t: Test, options: HostOptions = {}) => buildWith(t, { recoveryCodes: 5, ...options })

/** A host that keeps a basket in the session, before and after a pass. */
function withBasket (app: FastifyInstance): void {
  app.post<{ Params: { item: string } }>('/basket/:item', { config: { twoFactor: false } }, async request => {
    request.session.basket = [...request.session.basket ?? [], request.params.item]
    return request.session.basket
  })
  app.get('/basket', { config: { twoFactor: false } }, async request => ({ user: request.session.user?.id, basket: request.session.basket }))
}

async function buildWithStorage (t: Test, options: HostOptions = {}) {
  const db = await openDatabase()
  const storage = kyselyStorage(db)
  return { db, storage, ...await buildHost(t, { storage, ...options }) }
}

/** Another client with these very cookies. */
function copyOf (client: Client): Client {
  const copy = new Client(client.app)
  copy.cookies = { ...client.cookies }
  return copy
}

const verify = (client: Client, code: string) => client.post('/2fa/verify', { code })
const codeOf = (host: Pick<Host, 'clock'>, { secret }: Pick<Enrolled, 'secret'>, steps = 0) => codeAt(secret, host.clock, steps)

/** Every row of the tables, as text. */
async function dump (db: Kysely<TwoFactorDatabase>): Promise<string> {
  const tables = ['users', 'authenticators', 'passes'] as const
  const rows = await Promise.all(tables.map(table => db.selectFrom(`two_factor_${table}`).selectAll().execute()))
  return JSON.stringify(rows)
}

t.test('S1 each pass comes with a new session id that keeps the host\'s data, and the old id is worthless', async t => {
  const host = await buildHost(t, { after: withBasket })
  const client = await signIn(host)
  await client.post('/basket/tea')
  let secret = ''
  let recoveryCode = ''

  const passes: Record<string, () => Promise<unknown>> = {
    async confirm () {
      secret = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
      const confirmed = await client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })
      recoveryCode = confirmed.json<{ recoveryCodes: string[] }>().recoveryCodes[0] ?? ''
    },
    async verify () {
      host.clock.advance(30)
      t.equal((await verify(client, codeAt(secret, host.clock))).statusCode, 200)
    },
    async recover () {
      t.equal((await client.post('/2fa/recover', { code: recoveryCode })).statusCode, 200)
    }
  }
  for (const [name, pass] of Object.entries(passes)) {
    const before = copyOf(client)
    await pass()
    t.not(client.cookies.sessionId, before.cookies.sessionId, name)
    t.same((await client.get('/basket')).json(), { user: 'ada', basket: ['tea'] }, `${name} keeps the basket and the user`)
    t.equal((await client.get('/admin')).statusCode, 200)
    t.same((await before.get('/basket')).json(), {}, `${name} leaves nothing under the old id`)
    t.equal((await before.get('/dashboard')).statusCode, 401)
  }
})

t.test('S1 a planted session id gains nothing from the victim\'s pass', async t => {
  const host = await buildHost(t)
  const enrolled = await enrolByImport(host)
  const attacker = await signIn(host, 'eve')
  const victim = copyOf(attacker)
  await victim.post('/login/ada')
  host.clock.advance(30)
  t.equal((await verify(victim, codeOf(host, enrolled))).statusCode, 200)
  t.equal((await victim.get('/dashboard')).statusCode, 200)
  t.equal((await attacker.get('/dashboard')).statusCode, 401)
})

t.test('S1 a wrong code changes no session id', async t => {
  const host = await buildHost(t)
  const { secret } = await enrolByImport(host)
  const client = await signIn(host)
  const { cookies } = copyOf(client)
  t.equal((await verify(client, wrongCode(secret, host.clock))).statusCode, 401)
  t.same(client.cookies, cookies)
})

type StoreMethod = 'get' | 'set' | 'destroy'

/** A session store whose database can go away. */
class FailingStore extends session.MemoryStore {
  failing: StoreMethod | undefined

  override get (...[id, callback]: Parameters<session.MemoryStore['get']>): void {
    if (this.failing === 'get') return callback(new Error('session store down'))
    super.get(id, callback)
  }

  override set (...[id, value, callback]: Parameters<session.MemoryStore['set']>): void {
    if (this.failing === 'set') return callback(new Error('session store down'))
    super.set(id, value, callback)
  }

  override destroy (...[id, callback]: Parameters<session.MemoryStore['destroy']>): void {
    if (this.failing === 'destroy') return callback(new Error('session store down'))
    super.destroy(id, callback)
  }
}

t.test('D3 a session store that fails while a code is accepted answers 503, and the client has not passed', async t => {
  for (const failing of ['get', 'set', 'destroy'] as const) {
    for (const path of ['verify', 'recover'] as const) {
      const store = new FailingStore()
      const host = await buildHost(t, { session: { store } })
      const enrolled = await enrol(host)
      const client = await signIn(host)
      const before = copyOf(client)
      host.clock.advance(30)

      store.failing = failing
      const code = path === 'verify' ? codeOf(host, enrolled) : enrolled.recoveryCodes[0] ?? ''
      const answer = await client.post(`/2fa/${path}`, { code })
      t.match(answer.json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' }, `${path}: ${failing} fails`)
      t.notMatch(answer.body, /session store down/, 'the cause is not for the client')
      t.equal(answer.headers['set-cookie'], undefined)
      store.failing = undefined

      t.not((await before.get('/dashboard')).statusCode, 200, 'the session from before')
      t.not((await client.get('/dashboard')).statusCode, 200, 'the session of the answer')
      const again = await signIn(host)
      host.clock.advance(30)
      t.equal((await verify(again, codeOf(host, enrolled))).statusCode, 200, 'once the store is back, the next code passes')
    }
  }
})

t.test('D3 a session store that fails lets nobody through the guard, and the plugin\'s routes answer 503', async t => {
  const store = new FailingStore()
  const host = await buildHost(t, { session: { store } })
  const { client } = await enrolByImport(host)
  store.failing = 'get'
  t.equal((await client.get('/dashboard')).statusCode, 500)
  t.equal((await client.get('/2fa')).statusCode, 503)
  t.equal((await client.post('/2fa/setup')).statusCode, 503)
  store.failing = undefined
  t.equal((await client.get('/dashboard')).statusCode, 200)
})

t.test('D3 a session that cannot be read costs no attempt', async t => {
  const store = new FailingStore()
  const host = await buildWithStorage(t, { session: { store } })
  const { secret } = await enrolByImport(host)
  const client = await signIn(host)
  store.failing = 'get'
  for (let count = 0; count < 10; count++) await verify(client, wrongCode(secret, host.clock))
  t.match(await host.app.twoFactor.status('ada'), { failedAttempts: 0 })
})

t.test('S7 W5 a setup that is begun and abandoned, or only looked at, changes nothing in the database', async t => {
  const host = await buildWithStorage(t)
  await enrol(host)
  const before = await dump(host.db)
  const eve = await signIn(host, 'eve')
  for (let count = 0; count < 3; count++) await eve.post('/2fa/setup')
  for (const url of ['/2fa', '/2fa/setup', '/2fa/verify', '/2fa/recover']) {
    await eve.get(url)
    await eve.page(url)
    await eve.request({ method: 'HEAD', url })
  }
  t.equal(await dump(host.db), before)
  t.equal((await eve.get('/dashboard')).statusCode, 200, 'and the user is as before')
})

t.test('a setup begun again replaces the pending one', async t => {
  const host = await buildHost(t)
  const client = await signIn(host)
  const first = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
  const second = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
  t.not(first, second)
  t.equal((await client.get('/2fa/setup')).json<{ secret: string }>().secret, second, 'GET shows the pending one again')
  const confirm = (secret: string) => client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })
  t.match((await confirm(first)).json(), { code: 'FST_2FA_INVALID_CODE' })
  t.equal((await confirm(second)).statusCode, 200)
})

t.test('a setup expires after setupTtl, and cannot be confirmed without having begun', async t => {
  const host = await buildWithStorage(t, { setupTtl: 60_000 })
  const client = await signIn(host)
  const expired = { statusCode: 410, code: 'FST_2FA_SETUP_EXPIRED' }
  t.match((await client.post('/2fa/setup/confirm', { code: '123456' })).json(), expired, 'never begun')

  const { secret, expiresAt } = (await client.post('/2fa/setup')).json<{ secret: string, expiresAt: string }>()
  t.equal(expiresAt, '2026-01-01T00:01:00.000Z')
  host.clock.advance(60)
  t.match((await client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })).json(), expired)
  t.not((await client.get('/2fa/setup')).json<{ secret: string }>().secret, secret, 'a new one is begun')
  t.equal(await host.storage.isEnabled('ada'), false)

  const again = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
  host.clock.advance(59.999)
  t.equal((await client.post('/2fa/setup/confirm', { code: codeAt(again, host.clock) })).statusCode, 200)
})

t.test('a pending setup belongs to its user alone', async t => {
  const host = await buildWithStorage(t)
  const client = await signIn(host)
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  await client.post('/login/eve')
  t.match((await client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })).json(), { code: 'FST_2FA_SETUP_EXPIRED' })
  t.equal(await host.storage.isEnabled('eve'), false)
})

t.test('S6 a setup begun in a stolen session never becomes active once the user has set up', async t => {
  const host = await buildWithStorage(t)
  const thief = await signIn(host)
  const stolen = (await thief.post('/2fa/setup')).json<{ secret: string }>().secret
  const { client } = await enrol(host)

  for (const who of [thief, copyOf(thief)]) {
    const answer = await who.post('/2fa/setup/confirm', { code: codeAt(stolen, host.clock) })
    t.match(answer.json(), { statusCode: 409, code: 'FST_2FA_ALREADY_ENABLED' })
  }
  t.match(await host.storage.findStatus('ada'), { authenticators: { length: 1 } })
  t.match((await thief.post('/2fa/setup')).json(), { code: 'FST_2FA_REQUIRED' }, 'nor can the thief begin another one')
  t.match((await thief.get('/2fa/setup')).json(), { code: 'FST_2FA_REQUIRED' })
  t.equal((await client.get('/admin')).statusCode, 200)
})

t.test('S6 a setup that was begun before a pass does not outlive the session that began it', async t => {
  const host = await buildHost(t)
  const client = await signIn(host)
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const old = copyOf(client)
  await client.post('/logout')
  t.equal((await old.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })).statusCode, 401)
})

t.test('S7 once confirmed, a secret is never shown again', async t => {
  const host = await buildHost(t)
  const { client, secret } = await enrol(host)
  t.match((await client.post('/2fa/setup/confirm', { code: codeAt(secret, host.clock, 1) })).json(), { code: 'FST_2FA_SETUP_EXPIRED' })
  for (const url of ['/2fa', '/2fa/setup', '/2fa/verify', '/2fa/recover']) {
    for (const { body } of [await client.get(url), await client.page(url)]) t.notOk(body.replaceAll(' ', '').includes(secret))
  }
})

t.test('S5 a further authenticator needs a fresh pass, overwrites nothing, and both work afterwards', async t => {
  const host = await buildWithStorage(t)
  const enrolled = await enrol(host)
  const { client } = enrolled
  host.clock.advance(301)
  const required = { statusCode: 403, code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' }
  t.match((await client.post('/2fa/setup')).json(), required)
  t.match((await client.get('/2fa/setup')).json(), required)

  await verify(client, codeOf(host, enrolled))
  const added = (await client.post('/2fa/setup')).json<{ secret: string }>()
  t.not(added.secret, enrolled.secret)
  host.clock.advance(30)
  const other = await signIn(host)
  t.equal((await verify(other, codeOf(host, enrolled))).statusCode, 200, 'the old one works until the new one is confirmed')
  t.equal((await verify(await signIn(host), codeOf(host, added))).statusCode, 401, 'and the new one does not')

  t.match((await client.post('/2fa/setup/confirm', { code: wrongCode(added.secret, host.clock) })).json(), { code: 'FST_2FA_INVALID_CODE' })
  const confirmed = await client.post('/2fa/setup/confirm', { code: codeOf(host, added), name: 'Tablet' })
  t.same(confirmed.json(), { enabled: true, recoveryCodes: [] }, 'the recovery codes stay')
  t.equal((await client.get('/admin')).statusCode, 200, 'who added it stays in')
  t.equal((await other.get('/admin')).statusCode, 403, 'everybody else is asked again')

  host.clock.advance(30)
  for (const which of [enrolled, added]) {
    t.equal((await verify(await signIn(host), codeOf(host, which))).statusCode, 200)
  }
  t.equal((await (await signIn(host)).post('/2fa/recover', { code: enrolled.recoveryCodes[0] ?? '' })).statusCode, 200)
  t.same((await client.get('/2fa')).json<TwoFactorStatus>().authenticators?.map(({ name }) => name), ['Authenticator app', 'Tablet'])
})

t.test('S5 a setup that is pending when the pass ends cannot be confirmed any more', async t => {
  const host = await buildWithStorage(t, { revalidate: 0 })
  const { client } = await enrolByImport(host)
  const added = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const other = copyOf(client)
  await host.db.deleteFrom('two_factor_passes').execute()
  t.match((await other.post('/2fa/setup/confirm', { code: codeOf(host, added) })).json(), { code: 'FST_2FA_ALREADY_ENABLED' })
  t.match(await host.storage.findStatus('ada'), { authenticators: { length: 1 } })
})

t.test('a second authenticator that is confirmed twice at once is added once, and nobody gets a server error', async t => {
  const host = await buildWithStorage(t)
  const { client } = await enrolByImport(host)
  const added = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const answers = await Promise.all([copyOf(client), copyOf(client)].map(who =>
    who.post('/2fa/setup/confirm', { code: codeOf(host, added) })))
  t.match(await host.storage.findStatus('ada'), { authenticators: { length: 2 } })
  t.same(answers.filter(({ statusCode }) => statusCode >= 500).map(({ body }) => body), [])
  t.same(answers.map(({ statusCode }) => statusCode).sort().at(0), 200)
})

t.test('AUTHENTICATOR_LIMIT: a user has at most maxAuthenticators', async t => {
  const host = await buildHost(t, { maxAuthenticators: 2 })
  const { client } = await enrolByImport(host)
  const add = async () => {
    const added = (await client.post('/2fa/setup')).json<{ secret: string }>()
    return client.post('/2fa/setup/confirm', { code: codeOf(host, added) })
  }
  t.equal((await add()).statusCode, 200)
  t.match((await add()).json(), { statusCode: 409, code: 'FST_2FA_AUTHENTICATOR_LIMIT' })
})

t.test('S8 disable and new recovery codes need a pass, and a fresh one where no code is asked for', async t => {
  const host = await buildWithStorage(t)
  const enrolled = await enrol(host)
  const { client } = enrolled
  const password = await signIn(host)
  host.clock.advance(30)
  const required = { statusCode: 403, code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' }
  t.match((await password.post('/2fa/recovery-codes')).json(), required)
  t.match((await password.post('/2fa/disable', { code: codeOf(host, enrolled) })).json(), required)
  t.match((await password.post('/2fa/disable', { code: enrolled.recoveryCodes[0] ?? '' })).json(), required)
  t.match(await host.storage.findStatus('ada'), { failedAttempts: 0, recoveryCodesLeft: 5 }, 'nothing was used up')

  host.clock.advance(300)
  t.match((await client.post('/2fa/recovery-codes')).json(), required, 'a pass that is too old')
  t.match((await client.post('/2fa/disable', { code: wrongCode(enrolled.secret, host.clock) })).json(), { code: 'FST_2FA_INVALID_CODE' })
  t.same((await client.post('/2fa/disable', { code: codeOf(host, enrolled) })).json(), { enabled: false }, 'its own code makes it fresh')

  const plain = await signIn(host, 'eve')
  const notEnabled = { statusCode: 409, code: 'FST_2FA_NOT_ENABLED' }
  t.match((await plain.post('/2fa/recovery-codes')).json(), notEnabled)
  t.match((await plain.post('/2fa/disable', { code: '123456' })).json(), notEnabled)
  for (const url of ['/2fa/setup', '/2fa/recovery-codes']) t.equal((await new Client(host.app).post(url)).statusCode, 401)
})

t.test('disable works by a recovery code too, and leaves nothing of the user\'s factors behind', async t => {
  const host = await buildWithStorage(t)
  const { client, recoveryCodes: [code = ''] } = await enrol(host)
  t.same((await client.post('/2fa/disable', { code: code.toLowerCase() })).json(), { enabled: false })
  for (const table of ['authenticators', 'passes'] as const) {
    t.same(await host.db.selectFrom(`two_factor_${table}`).selectAll().execute(), [], table)
  }
  t.match((await client.get('/2fa')).json(), { enabled: false, verified: false, authenticators: [] })
  t.equal((await client.get('/dashboard')).statusCode, 200)

  const again = await enrol(host)
  t.equal((await again.client.get('/admin')).statusCode, 200, 'and it can be set up again')
  t.match((await client.get('/dashboard')).json(), { code: 'FST_2FA_REQUIRED' }, 'by which old sessions are asked again')
})

t.test('new recovery codes replace the old ones', async t => {
  const host = await buildHost(t, { recoveryCodes: 7 })
  const { client, recoveryCodes: old } = await enrol(host)
  t.equal(old.length, 7)
  const { recoveryCodes } = (await client.post('/2fa/recovery-codes')).json<{ recoveryCodes: string[] }>()
  t.equal(new Set([...old, ...recoveryCodes]).size, 14)
  t.equal((await (await signIn(host)).post('/2fa/recover', { code: old[0] ?? '' })).statusCode, 401)
  t.same((await (await signIn(host)).post('/2fa/recover', { code: recoveryCodes[6] ?? '' })).json(), { verified: true, recoveryCodesLeft: 6 })
})

t.test('R1 a code works once in its session and in any other', async t => {
  const host = await buildHost(t)
  const enrolled = await enrolByImport(host)
  host.clock.advance(30)
  const client = await signIn(host)
  const code = codeOf(host, enrolled)
  t.equal((await verify(client, code)).statusCode, 200)
  t.equal((await verify(client, code)).statusCode, 401, 'the same session')
  t.equal((await client.get('/dashboard')).statusCode, 200, 'which keeps its pass')
  t.equal((await verify(await signIn(host), code)).statusCode, 401, 'another one')
})

t.test('R2 a lower step after a higher one is refused', async t => {
  const host = await buildHost(t)
  const enrolled = await enrolByImport(host)
  host.clock.advance(60)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled, 1))).statusCode, 200, 'a phone that runs 30 s fast')
  for (const steps of [1, 0, -1]) t.equal((await verify(await signIn(host), codeOf(host, enrolled, steps))).statusCode, 401, `step ${steps}`)
  host.clock.advance(60)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 200)
})

t.test('R3 a code is not good again 31 s and 59 s later, while its step is still in the window', async t => {
  const host = await buildHost(t)
  const enrolled = await enrolByImport(host)
  host.clock.advance(30)
  const code = codeOf(host, enrolled)
  t.equal((await verify(await signIn(host), code)).statusCode, 200)
  host.clock.advance(31)
  t.equal((await verify(await signIn(host), code)).statusCode, 401)
  host.clock.advance(28)
  t.equal((await verify(await signIn(host), code)).statusCode, 401)
})

t.test('R4 a code that confirmed a setup does not sign in, and one that signed in does not disable', async t => {
  const host = await buildHost(t)
  const enrolled = await enrol(host)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 401)
  t.equal((await enrolled.client.post('/2fa/disable', { code: codeOf(host, enrolled) })).statusCode, 401)
  host.clock.advance(30)
  const client = await signIn(host)
  await verify(client, codeOf(host, enrolled))
  t.match((await client.post('/2fa/disable', { code: codeOf(host, enrolled) })).json(), { code: 'FST_2FA_INVALID_CODE' })
})

t.test('R5 a recovery code is good once, for its user alone, and never as what is stored of it', async t => {
  const host = await buildWithStorage(t)
  const ada = await enrol(host)
  const eve = await enrol(host, 'eve')
  const recover = async (user: string, code: string) => (await (await signIn(host, user)).post('/2fa/recover', { code })).statusCode
  const [code = ''] = ada.recoveryCodes
  t.equal(await recover('eve', code), 401, 'another user\'s')
  t.equal(await recover('ada', code), 200)
  t.equal(await recover('ada', code), 401, 'twice')
  t.equal(await recover('ada', eve.recoveryCodes[0] ?? ''), 401)
  const client = await signIn(host)
  t.match((await client.post('/2fa/recover', { code })).json(), { code: 'FST_2FA_INVALID_CODE', message: /^That recovery code is not right, or was used/ })
  t.match((await client.form('/2fa/recover', { code })).body, /role="alert">That recovery code is not right, or has been used\. Try another one/)
  t.match((await ada.client.form('/2fa/disable', { code })).body, /role="alert">That recovery code is not right/)
  await host.app.twoFactor.unlock('ada')

  const row = await host.db.selectFrom('two_factor_users').select('recovery_hashes').where('user_id', '=', 'ada').executeTakeFirst()
  const hash = Buffer.from(row?.recovery_hashes ?? []).subarray(0, 16)
  for (const stored of [hash.toString('hex'), hash.toString('base64'), hash.toString('base64url')]) t.equal(await recover('ada', stored), 400)
  t.equal(await recover('ada', hash.toString('hex', 0, 8)), 401)
  t.notOk((await dump(host.db)).includes(code))
})

t.test('R6 a used code stays used after a restart', async t => {
  const storage = kyselyStorage(await openDatabase())
  const first = await buildHost(t, { storage })
  const enrolled = await enrol(first)
  first.clock.advance(30)
  const code = codeOf(first, enrolled)
  await verify(await signIn(first), code)
  await (await signIn(first)).post('/2fa/recover', { code: enrolled.recoveryCodes[0] ?? '' })
  await first.app.close()

  const second = await buildHost(t, { storage, clock: first.clock })
  t.equal((await verify(await signIn(second), code)).statusCode, 401)
  t.equal((await (await signIn(second)).post('/2fa/recover', { code: enrolled.recoveryCodes[0] ?? '' })).statusCode, 401)
})

t.test('I2 a clock that steps back accepts no used code again', async t => {
  const host = await buildHost(t)
  const enrolled = await enrolByImport(host)
  host.clock.advance(3600)
  await verify(await signIn(host), codeOf(host, enrolled))
  host.clock.advance(-1800)
  for (const steps of [-1, 0, 1]) {
    t.equal((await verify(await signIn(host), codeOf(host, enrolled, steps))).statusCode, 401)
  }
})

/** Sends wrong codes, each from a session of its own, and answers what came back. */
async function guess (host: Host, secret: string, count: number, user = 'ada') {
  const answers = []
  for (let index = 0; index < count; index++) {
    const { statusCode, headers, body } = await verify(await signIn(host, user), wrongCode(secret, host.clock))
    answers.push({ statusCode, retryAfter: headers['retry-after'], body })
  }
  return answers
}

t.test('G4 signing in again after each wrong code resets nothing; the right code is refused while locked', async t => {
  const host = await buildHost(t)
  const enrolled = await enrolByImport(host)
  host.clock.advance(60)
  const answers = await guess(host, enrolled.secret, 8)
  t.same(answers.map(({ statusCode }) => statusCode), [401, 401, 401, 401, 401, 429, 429, 429])
  const locked = await verify(await signIn(host), codeOf(host, enrolled))
  t.match(locked.json(), { statusCode: 429, code: 'FST_2FA_LOCKED', error: 'Too Many Requests' })
  t.equal(locked.headers['retry-after'], '60')
  host.clock.advance(17)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).headers['retry-after'], '43')
  t.match((await enrolled.client.get('/2fa')).json(), { lockedUntil: '2026-01-01T00:02:00.000Z' })
  t.equal((await enrolled.client.get('/dashboard')).statusCode, 200, 'a client that is in stays in')

  host.clock.advance(43)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 200)
  t.match((await enrolled.client.get('/2fa')).json(), { lockedUntil: null })
  t.match(await host.app.twoFactor.status('ada'), { failedAttempts: 0 })
})

t.test('G5 what an attacker passes elsewhere clears nothing, and locks nobody else', async t => {
  const host = await buildHost(t)
  const ada = await enrolByImport(host)
  const eve = await enrolByImport(host, 'eve')
  host.clock.advance(30)
  await guess(host, ada.secret, 4)
  t.equal((await verify(await signIn(host, 'eve'), codeOf(host, eve))).statusCode, 200)
  const attacker = await signIn(host)
  await attacker.post('/login/eve')
  await verify(attacker, codeOf(host, eve, 1))
  await attacker.post('/login/ada')
  t.equal((await verify(attacker, wrongCode(ada.secret, host.clock))).statusCode, 401)
  t.equal((await verify(attacker, wrongCode(ada.secret, host.clock))).statusCode, 429)
  t.match(await host.app.twoFactor.status('eve'), { lockedUntil: null, failedAttempts: 0 })
})

t.test('G6 wrong codes of every place share one budget', async t => {
  const host = await buildHost(t)
  const { client, secret } = await enrol(host)
  const code = wrongCode(secret, host.clock)
  const recoveryCode = '0000-0000-0000-0000'
  t.equal((await verify(await signIn(host), code)).statusCode, 401)
  t.equal((await (await signIn(host)).post('/2fa/recover', { code: recoveryCode })).statusCode, 401)
  t.equal((await client.post('/2fa/disable', { code })).statusCode, 401)
  t.equal((await client.post('/2fa/disable', { code: recoveryCode })).statusCode, 401)
  t.equal((await verify(client, code)).statusCode, 401, 'a step-up')
  t.equal((await verify(client, code)).statusCode, 429)
  t.equal((await client.post('/2fa/recover', { code: recoveryCode })).statusCode, 429)
  t.equal((await client.post('/2fa/disable', { code })).statusCode, 429)
})

t.test('G8 clients without the password spend nothing of the budget', async t => {
  const host = await buildWithStorage(t, { rateLimit: false })
  await enrolByImport(host)
  for (let count = 0; count < 200; count++) {
    const client = count % 2 ? await signIn(host, `other-${count}`) : new Client(host.app)
    t.match((await verify(client, '000000')).statusCode, 401)
  }
  t.match(await host.storage.findStatus('ada'), { failedAttempts: 0 })
})

t.test('G7 locks double up to an hour, and at 100 wrong codes in a row only a recovery code or support helps', async t => {
  const host = await buildHost(t, { rateLimit: false })
  const enrolled = await enrol(host)
  const client = await signIn(host)
  const waits: number[] = []
  let wrong = 0
  while (wrong < 100) {
    const answer = await verify(client, wrongCode(enrolled.secret, host.clock))
    if (answer.statusCode === 401) wrong++
    else {
      const wait = Number(answer.headers['retry-after'])
      waits.push(wait)
      host.clock.advance(wait - 1)
      t.equal((await verify(client, wrongCode(enrolled.secret, host.clock))).statusCode, 429, 'locked to the last second')
      host.clock.advance(1)
    }
  }
  t.same(waits, [60, 120, 240, 480, 960, 1920, ...Array(13).fill(3600)])

  // A year later still.
  host.clock.advance(365 * 86_400)
  const disabled = await verify(await signIn(host), codeOf(host, enrolled))
  t.match(disabled.json(), { code: 'FST_2FA_LOCKED', message: /recovery code, or ask support/ })
  t.equal(disabled.headers['retry-after'], '3600')
  t.match(await host.app.twoFactor.status('ada'), { authenticatorsDisabled: true, failedAttempts: 100 })
  t.match((await verify(await signIn(host), wrongCode(enrolled.secret, host.clock))).json(), { code: 'FST_2FA_LOCKED' }, 'no guess is evaluated')

  const recovering = await signIn(host)
  t.equal((await recovering.post('/2fa/recover', { code: enrolled.recoveryCodes[0] ?? '' })).statusCode, 200)
  t.equal((await recovering.get('/dashboard')).statusCode, 200)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 429, 'the authenticator stays off')

  const { secret } = (await recovering.post('/2fa/setup')).json<{ secret: string }>()
  t.equal((await recovering.post('/2fa/setup/confirm', { code: codeOf(host, { secret }) })).statusCode, 200)
  host.clock.advance(30)
  t.equal((await verify(await signIn(host), codeOf(host, { secret }))).statusCode, 200, 'a new one replaces it')
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 401)
})

t.test('app.twoFactor unlocks and resets by user id, and says whether there was anything to do', async t => {
  const host = await buildHost(t, { lockout: { attempts: 2, disableAfter: 4 } })
  const { app } = host
  t.same(await app.twoFactor.status('ada'), {
    enabled: false,
    authenticators: [],
    recoveryCodesLeft: 0,
    failedAttempts: 0,
    lockedUntil: null,
    authenticatorsDisabled: false
  })
  t.equal(await app.twoFactor.unlock('ada'), false)
  t.equal(await app.twoFactor.reset('ada'), false)

  const enrolled = await enrol(host)
  host.clock.advance(30)
  await guess(host, enrolled.secret, 2)
  t.match(await app.twoFactor.status('ada'), { enabled: true, failedAttempts: 2, lockedUntil: new Date(host.clock() + 60_000), recoveryCodesLeft: 5 })
  t.equal(await app.twoFactor.unlock('ada'), true)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 200)

  await guess(host, enrolled.secret, 2)
  host.clock.advance(60)
  await guess(host, enrolled.secret, 2)
  t.match(await app.twoFactor.status('ada'), { authenticatorsDisabled: true })
  t.equal(await app.twoFactor.unlock('ada'), true)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 200, 'the same authenticator works again')

  t.equal(await app.twoFactor.reset('ada'), true)
  t.match((await enrolled.client.get('/admin')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
  t.match(await app.twoFactor.status('ada'), { enabled: false, authenticators: [], failedAttempts: 0 })
})

t.test('lockout follows its options', async t => {
  const host = await buildHost(t, { lockout: { attempts: 3, duration: 10_000, maxDuration: 20_000 } })
  const { secret } = await enrolByImport(host)
  const waits: unknown[] = []
  for (let round = 0; round < 3; round++) {
    const answers = await guess(host, secret, 4)
    t.same(answers.map(({ statusCode }) => statusCode), [401, 401, 401, 429])
    waits.push(answers[3]?.retryAfter)
    host.clock.advance(20)
  }
  t.same(waits, ['10', '20', '20'])
})

t.test('I2 a lock holds when the clock steps back, and ends when it is right again', async t => {
  const host = await buildHost(t)
  const enrolled = await enrolByImport(host)
  host.clock.advance(3600)
  await guess(host, enrolled.secret, 5)
  host.clock.advance(-1800)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 429)
  host.clock.advance(1800 + 60)
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 200)
})

t.test('W8 a wrong code, a used one and one of a user without two-factor get the same answer', async t => {
  const host = await buildHost(t)
  const enrolled = await enrol(host)
  const used = codeOf(host, enrolled)
  const wrong = await verify(await signIn(host), wrongCode(enrolled.secret, host.clock))
  const replayed = await verify(await signIn(host), used)
  const stranger = await verify(await signIn(host, 'eve'), used)
  answeredAlike(t, [wrong, replayed, stranger])

  const [code = ''] = enrolled.recoveryCodes
  const recover = async (user: string, code: string) => (await signIn(host, user)).post('/2fa/recover', { code })
  t.equal((await recover('ada', code)).statusCode, 200)
  answeredAlike(t, [await recover('ada', '0000-0000-0000-0000'), await recover('ada', code), await recover('eve', code)])
})

function answeredAlike (t: Test, answers: ReadonlyArray<Awaited<ReturnType<typeof verify>>>): void {
  const [first, ...others] = answers.map(({ headers: { date: _, ...headers }, statusCode, body }) => {
    for (const name of ['x-ratelimit-remaining', 'x-ratelimit-reset', 'set-cookie']) delete headers[name]
    return { headers, statusCode, body }
  })
  t.match(first, { statusCode: 401, body: /"FST_2FA_INVALID_CODE"/ })
  for (const other of others) t.same(other, first)
}

/** Two users, and what an attacker who can write to the database may do to their rows. */
async function buildTampered (t: Test) {
  const host = await buildWithStorage(t, {
    after (app) {
      app.get('/sealed-setup', { config: { twoFactor: false } }, async request => ({ setup: request.session.twoFactorSetup }))
    }
  })
  const ada = await enrol(host)
  const eve = await enrolByImport(host, 'eve')
  host.clock.advance(30)
  const rows = await host.db.selectFrom('two_factor_authenticators').selectAll().execute()
  const secretOf = (user: string) => Buffer.from(rows.find(row => row.user_id === user)?.secret ?? [])
  const setSecret = (user: string, secret: Uint8Array) =>
    host.db.updateTable('two_factor_authenticators').set({ secret }).where('user_id', '=', user).execute()
  /** 503, from verify and disable, and the account is as it was. */
  const expectUnavailable = async (name: string, code: string, user = 'ada') => {
    for (let count = 0; count < 6; count++) {
      const answer = await verify(await signIn(host, user), code)
      t.match(answer.json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' }, name)
      t.equal(answer.headers['retry-after'], '5')
    }
    t.match(await host.storage.findStatus(user), { failedAttempts: 0, lockedUntil: null }, 'the attempts were not counted')
  }
  return { ...host, ada, eve, secretOf, setSecret, expectUnavailable }
}

t.test('E3 a secret that was swapped with another user\'s, altered or cut is never accepted: 503, and no attempt is counted', async t => {
  const { clock, ada, eve, secretOf, setSecret, expectUnavailable } = await buildTampered(t)
  const [own, other] = [secretOf('ada'), secretOf('eve')]
  await setSecret('ada', other)
  await setSecret('eve', own)
  await expectUnavailable('swapped, with the code of the other secret', codeAt(eve.secret, clock))
  await expectUnavailable('swapped, with the code of the own secret', codeAt(ada.secret, clock))
  for (const index of [0, 1, 4, 5, 17, own.length - 17, own.length - 1]) {
    const altered = Buffer.from(own)
    altered[index] = (altered[index] ?? 0) ^ 1
    await setSecret('ada', altered)
    await expectUnavailable(`byte ${index}`, codeAt(ada.secret, clock))
  }
  for (const value of [Buffer.alloc(0), own.subarray(0, 20), Buffer.from('GEZDGNBVGY3TQOJQ')]) {
    await setSecret('ada', value)
    await expectUnavailable(`${value.length} bytes`, codeAt(ada.secret, clock))
  }
  await setSecret('ada', own)
})

t.test('E3 a pending secret is never accepted as an active one, nor one authenticator\'s as another\'s', async t => {
  const { clock, db, ada, secretOf, setSecret, expectUnavailable } = await buildTampered(t)
  const { secret: pending } = (await ada.client.post('/2fa/setup')).json<{ secret: string }>()
  const { setup } = (await ada.client.get('/sealed-setup')).json<{ setup: string }>()
  const own = secretOf('ada')
  await setSecret('ada', Buffer.from(setup, 'base64url'))
  await expectUnavailable('a pending value', codeAt(pending, clock))
  await setSecret('ada', own)
  await db.updateTable('two_factor_authenticators').set({ id: 'another' }).where('user_id', '=', 'ada').execute()
  await expectUnavailable('another id', codeAt(ada.secret, clock))
})

t.test('E3 a recovery salt that was swapped or altered: 503, and no attempt is counted', async t => {
  const { db, storage, app, ada, clock } = await buildTampered(t)
  const users = await db.selectFrom('two_factor_users').selectAll().execute()
  const salt = users.find(user => user.user_id === 'eve')?.recovery_salt ?? null
  await db.updateTable('two_factor_users').set({ recovery_salt: salt }).where('user_id', '=', 'ada').execute()
  for (let count = 0; count < 6; count++) {
    const answer = await (await signIn({ app, clock })).post('/2fa/recover', { code: ada.recoveryCodes[0] ?? '' })
    t.match(answer.json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' })
  }
  t.match(await storage.findStatus('ada'), { failedAttempts: 0, recoveryCodesLeft: 5 })
})

t.test('E3 an authenticator that cannot be read gives nobody free guesses at the others', async t => {
  const { app, clock, db, storage, ada } = await buildTampered(t)
  const added = (await ada.client.post('/2fa/setup')).json<{ secret: string }>()
  await ada.client.post('/2fa/setup/confirm', { code: codeAt(added.secret, clock), name: 'damaged' })
  await db.updateTable('two_factor_authenticators').set({ secret: Buffer.alloc(60) }).where('name', '=', 'damaged').execute()
  clock.advance(30)
  for (let count = 0; count < 10; count++) await verify(await signIn({ app, clock }), wrongCode(ada.secret, clock))
  t.match(await storage.findStatus('ada'), { failedAttempts: 5 }, 'the readable one was checked: the attempts count')
  await app.twoFactor.unlock('ada')
  t.equal((await verify(await signIn({ app, clock }), codeAt(ada.secret, clock))).statusCode, 200, 'and the readable one works')
})

t.test('E2 a process with the wrong key answers 503, never that the code is wrong, and spends no attempt', async t => {
  const storage = kyselyStorage(await openDatabase())
  const wrong = await buildHost(t, { storage, encryptionKeys: [randomBytes(32).toString('base64')] })
  const right = await buildHost(t, { storage, clock: wrong.clock })
  const enrolled = await enrol(right)
  right.clock.advance(30)
  for (const code of [codeOf(right, enrolled), wrongCode(enrolled.secret, right.clock)]) {
    for (let count = 0; count < 6; count++) {
      t.match((await verify(await signIn(wrong), code)).json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' })
    }
  }
  t.equal((await (await signIn(wrong)).post('/2fa/recover', { code: enrolled.recoveryCodes[0] ?? '' })).statusCode, 503)
  t.match(await storage.findStatus('ada'), { failedAttempts: 0, lockedUntil: null, recoveryCodesLeft: 5 })
  t.equal((await verify(await signIn(right), codeOf(right, enrolled))).statusCode, 200, 'the very code is good where the key is right')
})

t.test('D1 a storage that fails between claim and accept gives the attempt back and accepts nothing unrecorded', async t => {
  const storage = kyselyStorage(await openDatabase())
  let failing = ''
  const host = await buildHost(t, {
    storage: intercept(storage, method => { if (method === failing) throw new Error('down') }), storageTimeout: 100
  })
  const enrolled = await enrol(host)
  host.clock.advance(30)
  for (const method of ['claimAttempt', 'acceptStep']) {
    failing = method
    for (let count = 0; count < 6; count++) {
      const client = await signIn(host)
      t.match((await verify(client, codeOf(host, enrolled))).json(), { statusCode: 503 }, method)
      t.equal((await client.get('/dashboard')).statusCode, 403)
    }
    t.match(await storage.findStatus('ada'), { failedAttempts: 0 })
  }
  failing = 'acceptRecoveryCode'
  t.equal((await (await signIn(host)).post('/2fa/recover', { code: enrolled.recoveryCodes[0] ?? '' })).statusCode, 503)
  failing = 'findStatus'
  t.same((await (await signIn(host)).post('/2fa/recover', { code: enrolled.recoveryCodes[0] ?? '' })).json(),
    { verified: true, recoveryCodesLeft: null }, 'a code that is used up gets in, also if the rest cannot be counted')
  failing = 'enable'
  const eve = await signIn(host, 'eve')
  const pending = (await eve.post('/2fa/setup')).json<{ secret: string }>()
  t.equal((await eve.post('/2fa/setup/confirm', { code: codeOf(host, pending) })).statusCode, 503)
  failing = ''
  t.equal((await eve.post('/2fa/setup/confirm', { code: codeOf(host, pending) })).statusCode, 200, 'the pending setup is still there')
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 200, 'the code is still good')
})

t.test('D1 a claim that the database counts only after the time ran out is given back', async t => {
  const storage = kyselyStorage(await openDatabase())
  let open = () => {}
  let refunded = () => {}
  const gate = new Promise<void>(resolve => { open = resolve })
  const refund = new Promise<void>(resolve => { refunded = resolve })
  let slow = false
  const host = await buildHost(t, {
    storageTimeout: 100,
    storage: {
      ...storage,
      async claimAttempt (...given) {
        if (slow) await gate
        return storage.claimAttempt(...given)
      },
      async refundAttempt (...given) {
        await storage.refundAttempt(...given)
        refunded()
      }
    }
  })
  const enrolled = await enrolByImport(host)
  host.clock.advance(30)
  slow = true
  t.equal((await verify(await signIn(host), codeOf(host, enrolled))).statusCode, 503)
  open()
  await refund
  t.match(await storage.findStatus('ada'), { failedAttempts: 0 })
})

/** Everything that a user can do, so that there is an event of each type. */
async function live (host: Host): Promise<string[]> {
  const enrolled = await enrol(host)
  const { client, secret, recoveryCodes } = enrolled
  const wrong = () => wrongCode(secret, host.clock)
  const first = codeOf(host, enrolled)
  await verify(await signIn(host), first)
  host.clock.advance(30)
  const second = codeOf(host, enrolled)
  t.equal((await verify(await signIn(host), second)).statusCode, 200)
  for (let count = 0; count < 5; count++) await verify(await signIn(host), wrong())
  await verify(await signIn(host), wrong())
  await host.app.twoFactor.unlock('ada')
  t.equal((await (await signIn(host)).post('/2fa/recover', { code: recoveryCodes[0] ?? '' })).statusCode, 200)
  const fresh = (await client.post('/2fa/recovery-codes')).json<{ recoveryCodes: string[] }>().recoveryCodes
  host.clock.advance(30)
  const third = codeOf(host, enrolled)
  t.equal((await client.post('/2fa/disable', { code: third })).statusCode, 200)
  await enrol(host)
  await host.app.twoFactor.reset('ada')
  return [secret, first, second, third, wrong(), ...recoveryCodes, ...fresh]
}

t.test('onEvent is told of everything that changes or refuses, and never of a code or a secret', async t => {
  const events: TwoFactorEvent[] = []
  const host = await buildHost(t, { onEvent: event => events.push(event), lockout: { disableAfter: 6 } })
  const secrets = await live(host)
  t.same(events.map(({ type }) => type), [
    'setup-started', 'setup-confirmed', 'reused', 'verified', 'failed', 'failed', 'failed', 'failed', 'failed', 'locked', 'unlocked',
    'recovered', 'recovery-codes-regenerated', 'verified', 'disabled', 'setup-started', 'setup-confirmed', 'reset'
  ])
  t.match(events.find(({ type }) => type === 'locked'), {
    userId: 'ada', ip: '127.0.0.1', at: new Date('2026-01-01T00:00:30Z'), lockedUntil: new Date('2026-01-01T00:01:30Z')
  })
  for (const event of events) {
    t.match(event, { userId: 'ada', at: Date })
    t.equal(event.ip, ['unlocked', 'reset'].includes(event.type) ? undefined : '127.0.0.1', event.type)
  }
  const told = JSON.stringify(events)
  for (const secret of secrets) t.notOk(told.includes(secret))

  const { secret } = await enrol(host)
  events.length = 0
  await guess(host, secret, 5)
  host.clock.advance(60)
  await guess(host, secret, 1)
  t.match(events.at(-1), { type: 'locked', lockedUntil: null }, 'null: the authenticators are disabled for good')
})

t.test('a right code, as the last attempt before the authenticators are disabled, undoes that', async t => {
  const host = await buildHost(t, { lockout: { attempts: 2, disableAfter: 2 } })
  const { secret } = await enrolByImport(host)
  host.clock.advance(30)
  await guess(host, secret, 1)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode, 200)
  t.match(await host.app.twoFactor.status('ada'), { authenticatorsDisabled: false, failedAttempts: 0, lockedUntil: null })
})

t.test('an onEvent that throws, rejects or never ends does not fail the request, and is logged', async t => {
  const listeners: Array<() => unknown> = [
    () => { throw new Error('listener down') }, async () => { throw new Error('listener down') }, () => new Promise(() => {})
  ]
  for (const onEvent of listeners) {
    const lines: string[] = []
    const host = await buildHost(t, { onEvent, server: { logger: { level: 'error', stream: { write: line => lines.push(line) } } } })
    await live(host)
    t.equal(lines.length > 0, onEvent !== listeners[2])
    for (const line of lines) t.match(JSON.parse(line), { err: { message: 'listener down' }, type: String })
  }
})

/** What a handler of the host's own can do. */
async function buildOwn (t: Test, options: HostOptions = {}) {
  const called: { task: (twoFactor: RequestTwoFactor) => unknown } = { task: () => null }
  const host = await buildWithStorage(t, {
    ...options,
    after (app) {
      app.post('/own', { config: { twoFactor: false } }, async request => ({ answer: await called.task(request.twoFactor) }))
      return options.after?.(app)
    }
  })
  const call = async <Result>(client: Client, task: (twoFactor: RequestTwoFactor) => Result | Promise<Result>) => {
    called.task = task
    const response = await client.post('/own')
    if (response.statusCode !== 200) throw Object.assign(new Error(response.body), response.json())
    return response.json<{ answer: Result }>().answer
  }
  return { ...host, call }
}

t.test('request.twoFactor does all that the routes do, for hosts that make their own', async t => {
  const { call, ...host } = await buildOwn(t, { routes: false, verifyUrl: '/code', setupUrl: '/enrol' })
  t.equal((await host.app.inject('/2fa')).statusCode, 404)
  const client = await signIn(host)
  t.equal(await call(client, twoFactor => twoFactor.verified), false)
  const { secret } = await call(client, twoFactor => twoFactor.beginSetup())
  const { recoveryCodes } = await call(client, twoFactor => twoFactor.confirmSetup(codeAt(secret, host.clock)))
  t.equal(recoveryCodes.length, 5)
  t.equal(await call(client, twoFactor => twoFactor.verified), true)
  t.match(await call(client, twoFactor => twoFactor.status()), { enabled: true, verified: true, authenticators: [{ name: 'Authenticator app' }] })

  const second = await signIn(host)
  await t.rejects(call(second, twoFactor => twoFactor.require(true)), { code: 'FST_2FA_REQUIRED', verifyUrl: '/code' })
  host.clock.advance(30)
  const [right, wrong] = [codeAt(secret, host.clock), wrongCode(secret, host.clock)]
  await t.rejects(call(second, twoFactor => twoFactor.verify(wrong)), { code: 'FST_2FA_INVALID_CODE', statusCode: 401 })
  for (const rubbish of ['', '12345', '123456789', '１２３４５６', 'x'.repeat(1e6), '-', '12345a']) {
    await t.rejects(call(second, twoFactor => twoFactor.verify(rubbish)), { code: 'FST_2FA_INVALID_CODE' })
    await t.rejects(call(second, twoFactor => twoFactor.recover(rubbish)), { code: 'FST_2FA_INVALID_CODE' })
  }
  t.match(await host.storage.findStatus('ada'), { failedAttempts: 1 }, 'what can be no code is not counted')
  t.same(await call(second, twoFactor => twoFactor.verify(right)), { verified: true })
  t.equal((await call(second, twoFactor => twoFactor.regenerateRecoveryCodes())).length, 5)
  await call(second, twoFactor => twoFactor.end())
  t.equal(await call(second, twoFactor => twoFactor.verified), false)
  await call(second, twoFactor => twoFactor.end())
  host.clock.advance(30)
  await call(client, twoFactor => twoFactor.disable(codeAt(secret, host.clock)))
  await t.rejects(call(client, twoFactor => twoFactor.require('required')), { code: 'FST_2FA_SETUP_REQUIRED', setupUrl: '/enrol' })
  await t.rejects(call(client, twoFactor => twoFactor.disable('123456')), { code: 'FST_2FA_NOT_ENABLED' })
})

t.test('request.twoFactor of nobody refuses all but end()', async t => {
  const { app, call } = await buildOwn(t)
  const nobody = new Client(app)
  const tasks: Array<(twoFactor: RequestTwoFactor) => Promise<unknown>> = [
    twoFactor => twoFactor.status(), twoFactor => twoFactor.beginSetup(), twoFactor => twoFactor.confirmSetup('123456'),
    twoFactor => twoFactor.verify('123456'), twoFactor => twoFactor.recover('0000-0000-0000-0000'),
    twoFactor => twoFactor.regenerateRecoveryCodes(), twoFactor => twoFactor.disable('123456'), twoFactor => twoFactor.require(true)
  ]
  for (const task of tasks) await t.rejects(call(nobody, task), { code: 'FST_2FA_UNAUTHENTICATED', statusCode: 401 }, String(task))
  t.equal(await call(nobody, twoFactor => twoFactor.verified), false)
  await t.resolves(call(nobody, twoFactor => twoFactor.end()))
})

t.test('request.twoFactor.require refuses a misspelt policy', async t => {
  const { call, ...host } = await buildOwn(t)
  const client = await signIn(host)
  await t.rejects(call(client, twoFactor => twoFactor.require('requierd' as 'required')), { code: 'FST_2FA_BAD_OPTION' })
})

t.test('request.twoFactor.verified needs a synchronous getUser, and says so', async t => {
  const { call, ...host } = await buildOwn(t, { getUser: async request => request.session.user })
  const client = await signIn(host)
  await t.rejects(call(client, twoFactor => twoFactor.verified), { code: 'FST_2FA_BAD_OPTION', message: /"getUser".*synchronous/ })
  t.match(await call(client, twoFactor => twoFactor.status()), { verified: false })
})

t.test('request.twoFactor.verified with a getUser that rejects does not end the process', async t => {
  const rejections: unknown[] = []
  const note = (error: unknown) => { rejections.push(error) }
  const { app, call } = await buildOwn(t, { getUser: () => Promise.reject(new Error('no directory')) })
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', note)
  t.teardown(() => {
    process.removeAllListeners('unhandledRejection')
    for (const other of others) process.on('unhandledRejection', other)
  })
  await t.rejects(call(new Client(app), twoFactor => twoFactor.verified), { code: 'FST_2FA_BAD_OPTION' })
  await new Promise(resolve => setImmediate(resolve))
  t.same(rejections, [])
})

t.test('request.twoFactor.verified knows at once of a pass that this process saw end', async t => {
  const { call, ...host } = await buildOwn(t)
  const { client } = await enrolByImport(host)
  const copy = copyOf(client)
  await call(client, twoFactor => twoFactor.end())
  t.equal(await call(copy, twoFactor => twoFactor.verified), false)
  host.clock.advance(86_400)
  t.equal(await call((await enrolByImport(host, 'eve')).client, twoFactor => twoFactor.verified), true)
})

t.test('end() while the storage is down reports it, and the pass is dead in this process all the same', async t => {
  const storage = kyselyStorage(await openDatabase())
  let down = false
  const host = await buildHost(t, { storage: intercept(storage, () => { if (down) throw new Error('down') }) })
  const { client } = await enrolByImport(host)
  const copy = copyOf(client)
  down = true
  t.equal((await client.post('/logout')).statusCode, 503)
  down = false
  t.equal((await copy.get('/dashboard')).statusCode, 403)
})

t.test('a session that was destroyed or is out of the cookie\'s path keeps no pass: 503, and nobody is let in', async t => {
  const { call, ...host } = await buildOwn(t, {
    session: { cookie: { secure: false, path: '/own' } },
    getUser: () => ({ id: 'ada', label: 'ada' })
  })
  const client = new Client(host.app)
  t.match((await client.post('/2fa/setup')).json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' })
  await t.resolves(call(client, twoFactor => twoFactor.status()))
})

t.test('E5 the session store and the tables hold no secret and no code, in any encoding', async t => {
  const saved: string[] = []
  class SpyStore extends session.MemoryStore {
    override set (...[id, value, callback]: Parameters<session.MemoryStore['set']>): void {
      saved.push(JSON.stringify(value))
      super.set(id, value, callback)
    }
  }
  const host = await buildWithStorage(t, { session: { store: new SpyStore() } })
  const { client, secret, recoveryCodes } = await enrol(host)
  const pending = (await client.post('/2fa/setup')).json<{ secret: string }>().secret
  const rows = await Promise.all((['users', 'authenticators', 'passes'] as const)
    .map(table => host.db.selectFrom(`two_factor_${table}`).selectAll().execute()))
  const text = saved.join() + JSON.stringify(rows)
  const binary = rows.flat().flatMap(row => Object.values(row)).filter(value => Buffer.isBuffer(value))
  t.ok(saved.length > 1 && binary.length > 3)
  for (const known of [secret, pending]) {
    const bytes = Buffer.from(decodeBase32(known))
    for (const form of [known, known.toLowerCase(), bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('latin1')]) {
      t.notOk(text.includes(form))
    }
    for (const value of binary) t.notOk(value.includes(bytes) || value.includes(known))
  }
  for (const code of recoveryCodes) {
    for (const form of [code, code.replaceAll('-', ''), code.toLowerCase()]) {
      t.notOk(text.includes(form) || binary.some(value => value.includes(form)))
    }
  }
})

t.test('I1 codes of the window count exactly as documented', async t => {
  for (const [window, accepted] of [[0, [0]], [1, [-1, 0, 1]], [2, [-2, -1, 0, 1, 2]]] as const) {
    const host = await buildHost(t, { window, clock: createClock('2026-01-01T00:00:00Z') })
    const enrolled = await enrolByImport(host)
    const good: number[] = []
    for (let steps = -3; steps <= 3; steps++) {
      host.clock.advance(600)
      const answer = await verify(await signIn(host), codeOf(host, enrolled, steps))
      if (answer.statusCode === 200) good.push(steps)
      await host.app.twoFactor.unlock('ada')
    }
    t.same(good, accepted, `window ${window}`)
  }
})
