import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { bearerProof, kyselyStorage } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { openDemo, openDemoDatabase } from '../helpers/demo.js'
import { buildHost, Client, codeAt, enrolByImport, wrongCode } from '../helpers/host.js'
import { startPostgres } from '../helpers/postgres.js'

// How people come in is the host's, so these are about hosts: the demo, and one with many doors.

t.test('G11 however a login is spelled, the demo has one account for it, and that one budget', async t => {
  const { app, clock } = await openDemo(t, await openDemoDatabase(t, await startPostgres(t)))
  const password = 'a password of many words'
  const owner = new Client(app)
  await owner.form('/sign-up', { email: 'ada@example.com', password })
  const { secret } = (await owner.get('/2fa/setup', { accept: 'application/json' })).json<{ secret: string }>()
  await owner.form('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  clock.advance(30)

  const code = wrongCode(secret, clock)
  const statuses: number[] = []
  // The last one is written in full-width letters.
  for (const email of ['ada@example.com', 'ADA@example.com', ' Ada@Example.COM ', 'ada@example.com\t', 'aDa@EXAMPLE.com', 'ａｄａ@example.com']) {
    const guesser = new Client(app)
    const { statusCode } = await guesser.form('/sign-in', { email, password })
    t.equal(statusCode, 303, email)
    statuses.push((await guesser.post('/2fa/verify', { code })).statusCode)
  }
  t.same(statuses, [401, 401, 401, 401, 401, 429])
  const twin = await new Client(app).form('/sign-up', { email: 'ADA@EXAMPLE.COM', password })
  t.not(twin.statusCode, 303, 'nor can the other spelling become another account')
})

/** Doors that put a user into the session, each in the way that its kind does. */
function doors (app: FastifyInstance): void {
  const open = { config: { twoFactor: false } }
  const ada = { id: 'ada', label: 'ada@example.com' }
  app.post('/reset-password', open, async request => {
    await request.session.regenerate()
    request.session.user = ada
    return {}
  })
  app.get('/oauth/callback', open, async (request, reply) => {
    request.session.user = ada
    return reply.redirect('/dashboard')
  })
  app.get('/magic/:link', open, async (request, reply) => {
    await request.session.regenerate()
    request.session.user = ada
    return reply.redirect('/dashboard')
  })
  app.post('/impersonate', open, async request => {
    request.session.set('user', ada)
    await request.session.save()
    return {}
  })
}

t.test('S4 whoever comes in by a password reset, another site, a link or an administrator is asked for a code', async t => {
  const host = await buildHost(t, { after: doors })
  const { secret } = await enrolByImport(host)
  for (const [method, url] of [['POST', '/reset-password'], ['GET', '/oauth/callback'], ['GET', '/magic/abc'], ['POST', '/impersonate']] as const) {
    const client = new Client(host.app)
    await client.request({ method, url })
    for (const path of ['/dashboard', '/admin']) {
      t.match((await client.get(path)).json(), { statusCode: 403, code: 'FST_2FA_REQUIRED' }, `${url}, then ${path}`)
    }
    t.equal((await client.post('/transfer')).statusCode, 403)
    t.match((await client.get('/2fa')).json(), { enabled: true, verified: false })
    host.clock.advance(30)
    t.equal((await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode, 200)
    t.equal((await client.get('/dashboard')).statusCode, 200, 'and is in after it')
    await client.request({ method, url })
    if (url === '/reset-password') t.equal((await client.get('/dashboard')).statusCode, 403, 'the pass does not outlive the old session')
  }
})

t.test('S4 a token is asked for a code as a session is', async t => {
  const host = await buildHost(t, {
    storage: kyselyStorage(await openDatabase()),
    proof: bearerProof(),
    getUser: ({ headers: { authorization } }) => authorization ? { id: 'ada', label: 'ada' } : null
  })
  await host.app.twoFactor.importSecret('ada', { secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' })
  for (const authorization of ['Bearer personal-access-token', 'Bearer oauth-access-token', 'Basic YWRhOmFkYQ==', 'ApiKey 1']) {
    for (const url of ['/dashboard', '/admin']) {
      const answer = await host.app.inject({ url, headers: { authorization } })
      t.match(answer.json(), { statusCode: 403, code: 'FST_2FA_REQUIRED' }, `${authorization} ${url}`)
    }
  }
})
