import { PGlite } from '@electric-sql/pglite'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import { PGliteDialect } from 'kysely-pglite-dialect'
import t, { type Test } from 'tap'
import { adminAccount, demoAccount } from '../../demo/accounts.js'
import { connect, migrate } from '../../demo/database.js'
import { nextPath } from '../../demo/same-origin.js'
import { openDemo, type DemoOptions } from '../helpers/demo.js'
import { Client, codeAt } from '../helpers/host.js'

const pglite = new PGlite()
const db = connect(new PGliteDialect(pglite))
t.teardown(() => pglite.close())
await migrate(db)

const password = 'a password of many words'
let people = 0
const newEmail = () => `person${++people}@example.com`

const demo = (t: Test, options?: DemoOptions) => openDemo(t, db, options)

async function signUp (app: FastifyInstance, email = newEmail()): Promise<Client> {
  const client = new Client(app)
  await client.form('/sign-up', { email, password })
  return client
}

async function enrolled (app: FastifyInstance, clock: () => number): Promise<Client> {
  const client = await signUp(app)
  const { secret } = (await client.get('/2fa/setup', { accept: 'application/json' })).json<{ secret: string }>()
  await client.form('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  return client
}

const leadsTo = ({ statusCode, headers }: LightMyRequestResponse) => [statusCode, headers.location]

t.test('a session id that was there before the sign-in is worth nothing after it', async t => {
  const { app } = await demo(t)
  const email = newEmail()
  const client = await signUp(app, email)
  const before = { ...client.cookies }
  t.match(leadsTo(await client.form('/sign-in', { email, password })), [303, '/dashboard'])
  t.not(client.cookies.session, before.session)
  const planted = new Client(app)
  planted.cookies = before
  t.match(leadsTo(await planted.page('/dashboard')), [303, '/sign-in?next=%2Fdashboard'])
})

t.test('signing out ends the pass: neither the old cookie nor a session written back has passed', async t => {
  const { app, clock } = await demo(t)
  const client = await enrolled(app, clock)
  t.equal((await client.page('/dashboard')).statusCode, 200)
  const cookies = { ...client.cookies }
  const sessions = await db.selectFrom('demo_sessions').selectAll().execute()

  t.match(leadsTo(await client.form('/sign-out')), [303, '/'])
  const replayed = new Client(app)
  replayed.cookies = { ...cookies }
  t.match(leadsTo(await replayed.page('/dashboard')), [303, '/sign-in?next=%2Fdashboard'])
  // As a slow request of @fastify/session does.
  await db.insertInto('demo_sessions').values(sessions).onConflict(conflict => conflict.doNothing()).execute()
  replayed.cookies = cookies
  clock.advance(31)
  t.match(leadsTo(await replayed.page('/dashboard')), [303, '/2fa/verify?next=%2Fdashboard'])
})

t.test('an unknown address and a wrong password get the same answer', async t => {
  const { app } = await demo(t)
  const email = newEmail()
  await signUp(app, email)
  const wrong = await new Client(app).form('/sign-in', { email, password: 'wrong' })
  const unknown = await new Client(app).form('/sign-in', { email: newEmail(), password: 'wrong' })
  t.same([wrong.statusCode, unknown.statusCode], [401, 401])
  const anonymous = ({ body }: LightMyRequestResponse) => body.replace(/person\d+/g, '')
  t.equal(anonymous(wrong), anonymous(unknown))
})

t.test('two spellings of an address are one account', async t => {
  const { app } = await demo(t)
  const email = newEmail()
  await signUp(app, email)
  t.equal((await new Client(app).form('/sign-up', { email: email.toUpperCase(), password })).statusCode, 409)
  t.equal((await new Client(app).form('/sign-in', { email: ` ${email.toUpperCase()} `, password })).statusCode, 303)
})

t.test('guesses at passwords are limited by address, signing out is not', async t => {
  const { app } = await demo(t)
  const client = await signUp(app)
  const codes = new Set<number>()
  for (let attempt = 0; attempt < 31; attempt++) {
    codes.add((await new Client(app).form('/sign-in', { email: 'nobody', password: '' })).statusCode)
  }
  t.same([...codes], [400, 429])
  t.match(leadsTo(await client.form('/sign-out')), [303, '/'])
})

t.test('next leads to this site alone', async t => {
  const { app } = await demo(t)
  const client = new Client(app)
  const signedUp = await client.form('/sign-up', { email: newEmail(), password, next: '/transfer?to=Bob' })
  t.match(leadsTo(signedUp), [303, '/transfer?to=Bob'])
  for (const next of [
    'https://evil.example/', '//evil.example', '/\\evil.example', '/..//evil.example', '/\t/evil.example', '', 'javascript:alert(1)'
  ]) t.equal(nextPath(next), '/dashboard', JSON.stringify(next))
})

t.test('forms of another site are refused', async t => {
  const { app } = await demo(t)
  const client = await signUp(app)
  for (const url of ['/sign-in', '/sign-up', '/sign-out', '/transfer', '/admin/x/reset']) {
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }, { origin: 'null' }, {}
    ]) {
      const answer = await client.request({ method: 'POST', url, headers: { 'content-type': 'application/x-www-form-urlencoded', ...headers }, payload: '' })
      t.equal(answer.statusCode, 403, `${url} ${JSON.stringify(headers)}`)
    }
  }
})

t.test('the admin page is for admins', async t => {
  const { app, clock } = await demo(t)
  const client = await signUp(app)
  t.match(leadsTo(await client.page('/admin')), [303, '/2fa/setup?next=%2Fadmin'])
  const passed = await enrolled(app, clock)
  const refused = await passed.page('/admin')
  t.equal(refused.statusCode, 403)
  t.match(refused.body, /support staff/)
})

t.test('a customer may go without a second factor for 14 days, and is told how many are left', async t => {
  const { app, clock } = await demo(t)
  const email = newEmail()
  await signUp(app, email)
  // The session of a day ago has expired.
  const signIn = async () => {
    const client = new Client(app)
    await client.form('/sign-in', { email, password })
    return client
  }
  const token = async () => (await app.inject({ method: 'POST', url: '/api/token', payload: { email, password } })).json<{ token: string }>().token
  const me = async () => (await app.inject({ url: '/api/me', headers: { authorization: `Bearer ${await token()}` } })).statusCode
  for (const [seconds, words] of [[0, '14 days'], [86_400, '13 days'], [12 * 86_400, '1 day'], [86_399, '1 day']] as const) {
    clock.advance(seconds)
    const client = await signIn()
    t.match((await client.page('/dashboard')).body, `${words} left`)
    t.match((await client.page('/2fa/')).body, `you have ${words} left`)
    t.equal(await me(), 200)
  }
  clock.advance(1)
  const client = await signIn()
  t.match(leadsTo(await client.page('/dashboard')), [303, '/2fa/setup?next=%2Fdashboard'])
  t.equal(await me(), 403, 'by the API too')
  const { secret } = (await client.get('/2fa/setup', { accept: 'application/json' })).json<{ secret: string }>()
  await client.form('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  t.equal((await client.page('/dashboard')).statusCode, 200)
  clock.advance(30)
  t.equal((await client.form('/2fa/disable', { code: codeAt(secret, clock) })).statusCode, 409, 'and it stays on from then')
})

t.test('staff has to have a second factor at once, on the pages and by the API', async t => {
  const { app } = await demo(t)
  const client = new Client(app)
  await client.form('/sign-in', { ...adminAccount })
  t.match(leadsTo(await client.page('/dashboard')), [303, '/2fa/setup?next=%2Fdashboard'])
  const { token } = (await new Client(app).post('/api/token', adminAccount)).json<{ token: string }>()
  const me = await app.inject({ url: '/api/me', headers: { authorization: `Bearer ${token}` } })
  t.match(me.json(), { code: 'FST_2FA_SETUP_REQUIRED', setupUrl: '/api/2fa/setup' })
})

t.test('the settings lead to the pages of the plugin', async t => {
  const { app, clock } = await demo(t)
  t.match(leadsTo(await new Client(app).page('/settings')), [303, '/sign-in?next=%2Fsettings'])
  t.match((await (await signUp(app)).page('/settings')).body, /It is off\. <a href="\/2fa\/">/)
  t.match((await (await enrolled(app, clock)).page('/settings')).body, /It is on\. <a href="\/2fa\/">/)
})

t.test('what the database cannot keep is a 4xx, and its words are for the log', async t => {
  const { app } = await demo(t)
  for (const email of ['a@\0', 'a\0@b', '@', 'a@b@c', '']) {
    const page = await new Client(app).form('/sign-in', { email, password })
    t.equal(page.statusCode, 400, JSON.stringify(email))
    t.equal((await new Client(app).form('/sign-up', { email, password })).statusCode, 400)
    t.equal((await new Client(app).post('/api/token', { email, password })).statusCode, 400)
  }
  const client = await signUp(app)
  for (const amount of ['0', '-1', '1e3', '1234567', '1.5']) {
    t.equal((await client.form('/transfer', { to: 'Bob', amount })).statusCode, 400, amount)
  }
})

t.test('a browser gets a page for what is not there, a client of the API gets JSON', async t => {
  const { app } = await demo(t)
  const page = await new Client(app).page('/no-such-page')
  t.equal(page.statusCode, 404)
  t.match(page.headers['content-type'], /text\/html/)
  const api = await new Client(app).get('/api/no-such-route')
  t.match(api.json(), { statusCode: 404, message: 'There is no such route' })
})

t.test('a session row that cannot be read signs its user out', async t => {
  const { app } = await demo(t)
  const client = await signUp(app)
  await db.updateTable('demo_sessions').set({ data: '{"account":' }).execute()
  t.match(leadsTo(await client.page('/dashboard')), [303, '/sign-in?next=%2Fdashboard'])
})

t.test('sessions that have expired are gone, also from the table', async t => {
  const { app, clock } = await demo(t)
  const client = await signUp(app)
  clock.advance(3601)
  t.match(leadsTo(await client.page('/dashboard')), [303, '/sign-in?next=%2Fdashboard'])
  await signUp(app)
  const rows = await db.selectFrom('demo_sessions').select('expires_at').execute()
  t.ok(rows.every(row => row.expires_at.getTime() > clock()))
})

t.test('in production the cookie is for HTTPS and this host alone, which a trusted proxy vouches for', async t => {
  const { app } = await demo(t, { secure: true, trustedProxies: ['10.0.0.1'] })
  const from = (remoteAddress: string) => app.inject({
    method: 'POST',
    url: '/sign-up',
    remoteAddress,
    payload: new URLSearchParams({ email: newEmail(), password }).toString(),
    headers: {
      'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', 'x-forwarded-proto': 'https'
    }
  })
  const cookie = String((await from('10.0.0.1')).headers['set-cookie'])
  t.match(cookie, /^__Host-session=/)
  for (const attribute of ['Path=/', 'HttpOnly', 'Secure', 'SameSite=Lax']) t.match(cookie, attribute)
  t.notMatch(cookie, /Domain/i)
  t.equal((await from('10.0.0.2')).headers['set-cookie'], undefined, 'anybody can claim HTTPS, so nobody else is believed')
})

t.test('in production there is no account whose password is in the documentation', async t => {
  await db.deleteFrom('demo_accounts').where('email', 'in', [demoAccount.email, adminAccount.email]).execute()
  const { app } = await demo(t, { secure: true, trustedProxies: ['loopback'] })
  for (const account of [demoAccount, adminAccount]) {
    t.equal((await new Client(app).form('/sign-in', { ...account })).statusCode, 401)
  }
})

t.test('every page has the headers, and no script but its own', async t => {
  const { app } = await demo(t)
  const client = await signUp(app)
  for (const url of ['/', '/sign-in', '/sign-up', '/dashboard', '/settings', '/phone', '/no-such-page']) {
    const { headers, body } = await client.page(url)
    t.match(headers, {
      'content-security-policy': /default-src 'none'.*frame-ancestors 'none'/, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store'
    }, url)
    t.notMatch(body, /<script(?! type="module" src="\/)|<style| style="| on\w+="/, url)
  }
})
