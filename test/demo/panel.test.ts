import { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { PGliteDialect } from 'kysely-pglite-dialect'
import t from 'tap'
import { adminAccount } from '../../demo/accounts.js'
import { connect, migrate } from '../../demo/database.js'
import { createTape, type Recording } from '../../demo/panel/recording.js'
import { lines, summary } from '../../demo/panel/sql.js'
import { createTraces } from '../../demo/panel/traces.js'
import { veil } from '../../demo/panel/veil.js'
import { openDemo } from '../helpers/demo.js'
import { Client, codeAt, wrongCode, type Clock } from '../helpers/host.js'

const pglite = new PGlite()
const db = connect(new PGliteDialect(pglite))
t.teardown(() => pglite.close())
await migrate(db)

const password = 'a password of many words'
let people = 0

/** What stands in the panel of a page, without its markup. */
function panelOf (page: string): string {
  const [panel = ''] = /<aside class="panel".*<\/aside>/s.exec(page) ?? []
  return panel.replace(/<[^>]*>/g, ' ').replaceAll('&quot;', '"')
}

const keyOf = (page: string) => (/id="key"[^>]*>([^<]+)/.exec(page)?.[1] ?? '').replaceAll(' ', '')

interface Person {
  readonly client: Client
  readonly id: string
  readonly secret: string
}

async function signUp (app: FastifyInstance): Promise<{ client: Client, email: string, id: string }> {
  const client = new Client(app)
  const email = `person${++people}@example.com`
  // As a browser does, whose cookie of the demo comes with its first page.
  await client.page('/sign-up')
  await client.form('/sign-up', { email, password })
  const { id } = await db.selectFrom('demo_accounts').select('id').where('email', '=', email).executeTakeFirstOrThrow()
  return { client, email, id }
}

async function enrolled (app: FastifyInstance, clock: Clock): Promise<Person & { readonly email: string }> {
  const person = await signUp(app)
  const secret = keyOf((await person.client.page('/2fa/setup')).body)
  await person.client.form('/2fa/setup/confirm', { code: codeAt(secret, clock), name: 'Blue phone' })
  return { ...person, secret }
}

/** Everything that the database keeps sealed or hashed, in the ways in which bytes are written. */
async function bytesKept (): Promise<string[]> {
  const tables = ['users', 'authenticators', 'passes', 'used_codes', 'trusted_devices'] as const
  const rows = await Promise.all(tables.map(table => db.selectFrom(`two_factor_${table}`).selectAll().execute()))
  const sessions = await db.selectFrom('demo_sessions').selectAll().execute()
  return [...rows.flat(), ...sessions].flatMap(row => Object.values(row))
    .filter(value => value instanceof Uint8Array)
    .flatMap(bytes => (['hex', 'base64', 'base64url', 'latin1'] as const).map(encoding => Buffer.from(bytes).toString(encoding)))
}

t.test('neither a code nor a secret, a hash or a token is ever in the panel, whatever a person does', async t => {
  const { app, clock } = await openDemo(t, db)
  const secrets = new Set<string>([password])
  const panels: string[] = []
  const { client, email } = await signUp(app)

  const seen = async (page: { readonly body: string }, ...typed: string[]) => {
    for (const value of [...typed, ...Object.values(client.cookies), ...await bytesKept()]) secrets.add(value)
    panels.push(panelOf(page.body), panelOf((await client.page('/dashboard')).body))
    return page.body
  }
  const signInAgain = async () => {
    await seen(await client.form('/sign-out'))
    await seen(await client.form('/sign-in', { email, password }))
  }
  const nextCode = () => {
    clock.advance(30)
    return codeAt(secret, clock)
  }

  const secret = keyOf(await seen(await client.page('/2fa/setup')))
  const [first, wrong] = [codeAt(secret, clock), wrongCode(secret, clock)]
  await seen(await client.form('/2fa/setup/confirm', { code: wrong }), wrong, secret, secret.toLowerCase())
  const confirmed = await seen(await client.form('/2fa/setup/confirm', { code: first }), first)
  const recoveryCodes = [...confirmed.matchAll(/<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})<\/code>/g)].map(([, code = '']) => code)
  t.equal(recoveryCodes.length, 10)
  for (const code of recoveryCodes) secrets.add(code).add(code.replaceAll('-', '')).add(code.toLowerCase())

  await signInAgain()
  await seen(await client.form('/2fa/verify', { code: first }), first)
  const second = nextCode()
  await seen(await client.form('/2fa/verify', { code: second, trustDevice: 'on' }), second)
  await signInAgain()
  await seen(await client.page('/transfer'))
  const third = nextCode()
  await seen(await client.form('/2fa/verify', { code: third }), third)
  await seen(await client.form('/2fa/recover', { code: recoveryCodes[0] ?? '' }))
  await seen(await client.form('/2fa/recovery-codes'))
  await seen(await client.page('/2fa/'))

  const text = panels.join('\n')
  for (const words of [
    'insert users', 'update authenticators', 'insert trusted_devices', 'read events',
    'sealed, 53 bytes', 'hash, 32 bytes', 'hashes, 160 bytes', /\$\d+ +veiled, \d+ bytes/, /\$\d+ +veiled, \d+ characters/,
    'setup-started', 'setup-confirmed', 'failed', 'reused', 'verified', 'device-trusted', 'device-used', 'recovered'
  ]) t.match(text, words)
  t.match(panels.at(-1), /events\s+\d+ rows.*and \d+ more/s, 'of many rows the newest are shown')
  t.ok(secrets.size > 100)
  for (const value of secrets) {
    // Digits among others are no code.
    const found = /^\d+$/.test(value) ? new RegExp(`(?<![\\da-f])${value}(?![\\da-f])`).test(text) : text.includes(value)
    if (found) t.fail(`the panel has ${value}`)
  }
})

t.test('a parameter is told as it is only if it is known to be harmless', async t => {
  t.equal(veil(new Date(0)), '1970-01-01T00:00:00.000Z')
  t.equal(veil('3f0e8a4c-8b53-4a0d-9d51-0f6a2c1d7e10'), '3f0e8a4c-8b53-4a0d-9d51-0f6a2c1d7e10')
  t.equal(veil('setup-confirmed'), 'setup-confirmed')
  fc.assert(fc.property(fc.oneof(
    fc.string({ minLength: 6 }),
    fc.stringMatching(/^\d{6,8}$/),
    fc.stringMatching(/^[A-Z2-7]{32}$/),
    fc.stringMatching(/^[0-9a-f]{64}$/),
    fc.base64String({ minLength: 20 })
  ), text => {
    const told = veil(text)
    return told === `veiled, ${text.length} characters`
  }))
  fc.assert(fc.property(fc.uint8Array(), bytes => veil(bytes) === `veiled, ${bytes.length} bytes`))
  for (const value of [['482913'], { code: '482913' }, 482913n, Symbol('482913')]) t.equal(veil(value), 'veiled')
})

t.test('a statement is told by what it changes, then by what it reads', async t => {
  t.equal(summary('with "a" as (update "two_factor_users" set "x" = $1), "b" as (delete from "two_factor_passes") ' +
    'insert into two_factor_events select * from "two_factor_users" left join "two_factor_authenticators" on true'),
  'update users; delete passes; insert events; read authenticators')
  t.equal(summary('commit'), 'commit')
  t.equal(lines('select "from" from "t" where "a" = $1 order by "b"'), 'select "from"\nfrom "t"\nwhere "a" = $1\norder by "b"')
})

t.test('each visitor sees what was done for them, and their own rows, also of many at once', async t => {
  const { app, clock } = await openDemo(t, db)
  const people = await Promise.all([enrolled(app, clock), enrolled(app, clock), enrolled(app, clock)])
  clock.advance(30)
  const pages = await Promise.all(people.map(async ({ client, email, secret }) => {
    await client.form('/sign-out')
    await client.form('/sign-in', { email, password })
    await client.form('/2fa/verify', { code: codeAt(secret, clock) })
    return panelOf((await client.page('/dashboard')).body)
  }))
  for (const [index, panel] of pages.entries()) {
    t.match(panel, /POST \/2fa\/verify.*verified/s)
    for (const [other, { id }] of people.entries()) t.equal(panel.includes(id), other === index, `${index} sees ${other}`)
  }
})

t.test('whoever signs in next at the same browser sees nothing of the one before', async t => {
  const { app, clock } = await openDemo(t, db)
  const { client, id } = await enrolled(app, clock)
  await client.page('/2fa/')
  const { email: next } = await enrolled(app, clock)
  await client.form('/sign-out')
  const signedOut = panelOf((await client.page('/')).body)
  t.match(signedOut, /POST \/sign-out.*delete passes/s, 'the last thing that was done is told')
  t.notMatch(signedOut, /GET|setup/)
  t.match(signedOut, 'Nobody is signed in')
  await client.form('/sign-in', { email: next, password })
  const panel = panelOf((await client.page('/2fa/')).body)
  t.notMatch(panel, id)
  t.notMatch(panel, /sign-out/)
})

t.test('what a user owns is not for somebody who has only typed the password', async t => {
  const { app, clock } = await openDemo(t, db)
  const { email, client: owner, secret } = await enrolled(app, clock)
  const thief = new Client(app)
  await thief.page('/sign-in')
  await thief.form('/sign-in', { email, password })
  const hidden = panelOf((await thief.page('/2fa/')).body)
  t.match(hidden, /authenticators\s+1 row\s+What is in it is not for/)
  t.notMatch(hidden, /Blue phone|sealed, 53 bytes|127\.0\.0\.1/)
  t.match(panelOf((await owner.page('/2fa/')).body), /Blue phone.*127\.0\.0\.1/s)

  clock.advance(30)
  await thief.form('/2fa/verify', { code: codeAt(secret, clock) })
  const shown = panelOf((await thief.page('/2fa/')).body)
  t.match(shown, /name\s+Blue phone/)
  t.match(shown, /events\s+1 → 2 rows\s+changed/)
})

t.test('the page after a change shows which rows it made, and the one after that does not', async t => {
  const { app, clock } = await openDemo(t, db)
  const { client } = await signUp(app)
  const setup = await client.page('/2fa/setup')
  t.match(panelOf(setup.body), /users\s+0 rows/)
  t.notMatch(panelOf(setup.body), /changed/)
  const confirmed = await client.form('/2fa/setup/confirm', { code: codeAt(keyOf(setup.body), clock) })
  t.match(panelOf(confirmed.body), /users\s+0 → 1 row\s+changed/)
  t.match(panelOf(confirmed.body), /recovery_hashes\s+hashes, 160 bytes/)
  t.notMatch(panelOf((await client.page('/settings')).body), /changed/)
})

t.test('of several processes each tells what it saw, and all know how far the visitor is', async t => {
  const first = await openDemo(t, db)
  const second = await openDemo(t, db)
  const { client } = await enrolled(first.app, first.clock)
  const here = (await client.page('/settings')).body
  const moved = new Client(second.app)
  moved.cookies = client.cookies
  const there = (await moved.page('/settings')).body
  const done = (page: string) => /(\d+) of 11 done/.exec(page)?.[1]
  t.equal(done(here), '5')
  t.equal(done(there), '5')
  t.match(panelOf(here), /POST \/2fa\/setup\/confirm/)
  t.notMatch(panelOf(there), /POST/)
  t.match(panelOf(there), /authenticators\s+1 row/)
})

t.test('a database that has failed is not asked again for the panel', async t => {
  const { app } = await openDemo(t, db)
  const { client } = await signUp(app)
  await client.page('/dashboard')
  await pglite.exec('alter table two_factor_users rename to elsewhere')
  t.teardown(() => pglite.exec('alter table if exists elsewhere rename to two_factor_users'))
  const { statusCode, body } = await client.page('/dashboard')
  t.equal(statusCode, 503)
  t.match(panelOf(body), /GET \/dashboard.*failed/s)
  t.match(panelOf(body), /cannot be read right now/)
  t.equal(panelOf(body).match(/\bfailed\b/g)?.length, 1)
  const own = await client.page('/2fa/')
  t.equal(own.statusCode, 503)
  t.match(panelOf(own.body), /cannot be read right now/, 'on the pages of the package as well')
  await pglite.exec('alter table elsewhere rename to two_factor_users')
})

t.test('with panel: false there is neither guide nor panel, and the pages of the package are its own', async t => {
  const { app, clock } = await openDemo(t, db, { panel: false })
  const { client, secret } = await enrolled(app, clock)
  for (const url of ['/', '/dashboard', '/settings', '/how-to', '/phone', '/2fa/', '/2fa/verify', '/nope']) {
    const { body } = await client.page(url)
    t.match(body, /<h1>/, url)
    t.notMatch(body, /class="(panel|guide)"|beside\.css/, url)
  }
  t.notOk(Object.keys(client.cookies).some(name => /demo/.test(name)), 'no cookie of the guide')
  const page = await client.page('/2fa/')
  t.match(page.body, /<body class="two-factor-page">.*<img src="\/public\/logo\.svg" alt="Acme Bank"/s)
  t.match(page.body, /--two-factor-accent:#0a6b4f/)
  clock.advance(30)
  await client.form('/sign-out')
  await client.form('/sign-in', { email: `person${people}@example.com`, password })
  t.equal((await client.form('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 303)
})

t.test('the memory has an end: of a visitor the last requests are kept, and of all the last visitors', async () => {
  const recording = (): Recording => createTape('GET /', new Date(0), () => {}).recording
  const names = ['a', 'b', 'c', 'd', 'e']
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...names), fc.boolean())), steps => {
    const traces = createTraces({ visitors: 3, requests: 2 })
    // The oracle keeps everything, and forgets by counting.
    let log: Array<{ visitor: string, recording?: Recording }> = []
    for (const [visitor, adds] of steps) {
      const entry = { visitor, ...(adds && { recording: recording() }) }
      log = [...log, entry]
      if (entry.recording) traces.add(visitor, 'x', entry.recording)
      else traces.look(visitor, 'x', undefined)
      const last = [...new Set(log.map(({ visitor }) => visitor).reverse())].slice(0, 3)
      log = log.filter(({ visitor }) => last.includes(visitor))
    }
    const kept = [...new Set(log.map(({ visitor }) => visitor).reverse())].reverse()
    return kept.every(visitor => {
      const own = log.filter(entry => entry.visitor === visitor && entry.recording)
        .map(({ recording }) => recording).reverse().slice(0, 2)
      const { recordings } = traces.look(visitor, 'x', undefined)
      return recordings.length === own.length && recordings.every((recording, index) => recording === own[index])
    })
  }))
})

t.test('what support does is told to support, and the customer sees it in the rows', async t => {
  const { app, clock } = await openDemo(t, db)
  const { client: customer, id } = await enrolled(app, clock)
  const admin = new Client(app)
  await admin.page('/sign-in')
  await admin.form('/sign-in', { ...adminAccount })
  await admin.form('/2fa/setup/confirm', { code: codeAt(keyOf((await admin.page('/2fa/setup')).body), clock) })
  t.equal((await admin.form(`/admin/${id}/reset`)).statusCode, 303)
  t.match(panelOf((await admin.page('/admin')).body), /POST \/admin\/[\w-]+\/reset.*reset/s)
  const panel = panelOf((await customer.page('/dashboard')).body)
  t.match(panel, /authenticators\s+1 → 0 rows/)
  t.match(panel, /type\s+reset/)
})
