import t, { type Test } from 'tap'
import { startChecker } from '../helpers/checker.js'
import { openDemo, openDemoDatabase, type OpenDemo } from '../helpers/demo.js'
import { Client, codeAt, wrongCode } from '../helpers/host.js'
import { startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres(t)
const account = { email: 'ada@example.com', password: 'a password of many words' }

/** Signs up and sets an authenticator up, on the pages. */
async function enrol (t: Test, { app, clock }: OpenDemo): Promise<string> {
  const client = new Client(app)
  await client.form('/sign-up', account)
  const { secret } = (await client.get('/2fa/setup', { accept: 'application/json' })).json<{ secret: string }>()
  t.equal((await client.form('/2fa/setup/confirm', { code: codeAt(secret, clock) })).statusCode, 200)
  return secret
}

/** Signs in with a wrong code and a right one, on the pages, and says what the dashboard tells. */
async function signIn (t: Test, { app, clock }: OpenDemo, secret: string): Promise<string> {
  const client = new Client(app)
  await client.form('/sign-in', account)
  t.equal((await client.form('/2fa/verify', { code: wrongCode(secret, clock) })).statusCode, 401)
  t.equal((await client.form('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 303)
  return (await client.page('/dashboard')).body
}

/** The same by the API. */
async function passByApi (t: Test, { app, clock }: OpenDemo, secret: string): Promise<void> {
  const client = new Client(app)
  const { token } = (await client.post('/api/token', account)).json<{ token: string }>()
  client.headers = { authorization: `Bearer ${token}` }
  t.equal((await client.post('/api/2fa/verify', { code: wrongCode(secret, clock) })).statusCode, 401)
  const passed = await client.post('/api/2fa/verify', { code: codeAt(secret, clock) })
  client.headers['two-factor-proof'] = passed.json<{ proofToken: string }>().proofToken
  t.match((await client.get('/api/me')).json(), { email: account.email })
}

for (const [first, second] of [['local', 'api'], ['api', 'local']] as const) {
  t.test(`an authenticator set up with --verifier=${first} is good with --verifier=${second}, and checked as before`, async t => {
    const db = await openDemoDatabase(t, postgres)
    const before = await openDemo(t, db, { verifier: first })
    const secret = await enrol(t, before)
    t.same([...new Set(before.asked)], first === 'api' ? ['/pair.aspx', '/Validate.aspx'] : [])

    const after = await openDemo(t, db, { verifier: second })
    after.clock.advance(60)
    const page = await signIn(t, after, secret)
    t.match(page, `Your codes are checked ${after.checker.where(first === 'api' ? 'authenticator-api' : 'local')}.`)
    t.match(page, `Codes of new authenticators are checked ${after.checker.where()}.`)
    after.clock.advance(30)
    await passByApi(t, after, secret)
    t.same(after.asked, first === 'api' ? Array(4).fill('/Validate.aspx') : [])
  })
}

t.test('with AUTHENTICATOR_API_URL that service is asked, and no other one stands in for it', async t => {
  const { url, asked, stop } = await startChecker(t)
  const demo = await openDemo(t, await openDemoDatabase(t, postgres), { verifier: 'api', authenticatorApiUrl: url })
  const secret = await enrol(t, demo)
  t.match(asked, [/^\/pair\.aspx\?/, /^\/Validate\.aspx\?/])
  t.match((await new Client(demo.app).page('/')).body, `Codes of new authenticators are checked ${demo.checker.where()}.`)
  t.match(demo.checker.where(), url)

  await stop()
  demo.clock.advance(30)
  const client = new Client(demo.app)
  await client.form('/sign-in', account)
  t.equal((await client.form('/2fa/verify', { code: codeAt(secret, demo.clock) })).statusCode, 503)
})
