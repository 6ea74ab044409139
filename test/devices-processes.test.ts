import t from 'tap'
import { kyselyStorage } from '../plugin/storage/kysely.js'
import { codeAt } from './helpers/host.js'
import { startPair } from './helpers/pair.js'
import { HttpClient, type Answer } from './helpers/process.js'

const { db, origins, clock, advance } = await startPair(t, { environment: { RATE_LIMIT: 'off' } })
const storage = kyselyStorage(db)

/** A browser of a user that the first process trusts. */
async function trust (user: string): Promise<HttpClient> {
  const client = new HttpClient(origins[0] ?? '')
  await client.post(`/login/${user}`)
  const secret = String((await client.post('/2fa/setup')).body.secret)
  await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  await advance(30)
  const verified = await client.post('/2fa/verify', { code: codeAt(secret, clock), trustDevice: true })
  if (verified.status !== 200) throw new Error(JSON.stringify(verified.body))
  return client
}

const deviceCookie = ({ cookie }: HttpClient) => /two-factor-device=[^;]*/.exec(cookie)?.[0] ?? ''

/** Sessions with the password alone, of one browser, on both processes. */
async function sessions (user: string, device: string, count: number): Promise<HttpClient[]> {
  const clients = Array.from({ length: count }, (_, index) => new HttpClient(origins[index % 2] ?? ''))
  await Promise.all(clients.map(async client => {
    await client.post(`/login/${user}`)
    client.cookie += `; ${device}`
  }))
  return clients
}

const statuses = (answers: Answer[]) => [...new Set(answers.map(({ status }) => status))]

async function row (user: string) {
  return db.selectFrom('two_factor_trusted_devices').selectAll().where('user_id', '=', user).executeTakeFirstOrThrow()
}

t.test('40 parallel requests with one token over two processes rotate it once, and all are let in', async t => {
  let device = deviceCookie(await trust('ada'))
  let before = await row('ada')
  for (let round = 0; round < 5; round++) {
    await advance(60)
    const clients = await sessions('ada', device, 40)
    const answers = await Promise.all(clients.map(client => client.get('/dashboard')))

    t.same(statuses(answers), [200])
    const after = await row('ada')
    t.same(after.previous_hash, before.token_hash, 'one rotation: the token before is the one that all presented')
    t.not(Buffer.from(after.token_hash).toString('hex'), Buffer.from(before.token_hash).toString('hex'))
    t.same(after.rotated_at, new Date(clock()))
    t.ok(after.generation > 0, 'no alarm')
    t.ok(clients.every(client => deviceCookie(client) !== device), 'each answer hands out a token')
    // Any of the answers can be the one that the browser keeps.
    device = deviceCookie(clients[(round * 13) % 40] as HttpClient)
    before = after
  }
  t.equal((await storage.listDevices('ada', new Date(clock()))).length, 1)
})

t.test('parallel requests with different answers of the round before are let in, one with the next token', async t => {
  const device = deviceCookie(await trust('bob'))
  await advance(60)
  const first = await sessions('bob', device, 40)
  await Promise.all(first.map(client => client.get('/dashboard')))
  await advance(60)
  const second = await sessions('bob', device, 40)
  const presented = first.map(deviceCookie)
  for (const [index, client] of second.entries()) client.cookie = client.cookie.replace(device, presented[index] ?? '')

  t.same(statuses(await Promise.all(second.map(client => client.get('/dashboard')))), [200])
  const ahead = second.filter((client, index) => deviceCookie(client) !== presented[index])
  t.equal(ahead.length, 1)
  await advance(60)
  const [next] = await sessions('bob', deviceCookie(ahead[0] as HttpClient), 1)
  t.equal((await next?.get('/dashboard'))?.status, 200)
})

t.test('a copy of the token, used at both processes a day apart, sets off the alarm in either order', async t => {
  for (const order of [[0, 1], [1, 0]]) {
    const user = `eve-${order[0]}`
    const device = deviceCookie(await trust(user))
    const clients = await sessions(user, device, 2)
    const [first, second] = order.map(index => clients[index] as HttpClient)
    await advance(60)
    t.equal((await first?.get('/dashboard'))?.status, 200)
    await advance(86_000)
    t.match(await second?.get('/dashboard'), { status: 403, body: { code: 'FST_2FA_REQUIRED' } })
    t.match(await first?.get('/dashboard'), { status: 403 }, 'the pass of the first is dead in its process')
    t.same(await storage.listDevices(user, new Date(clock())), [])
    t.equal((await row(user)).generation, 0)
  }
})

t.test('a revocation in one process is one in the other, at the latest after `revalidate`', async t => {
  const owner = await trust('uma')
  const [here, there] = await sessions('uma', deviceCookie(owner), 2)
  await Promise.all([here, there].map(client => client?.get('/dashboard')))
  await advance(31)
  t.equal((await there?.get('/dashboard'))?.status, 200)
  t.match(await owner.post('/2fa/devices/revoke'), { status: 200, body: { revoked: 1 } })
  t.equal((await here?.get('/dashboard'))?.status, 403, 'at once where it was done')
  await advance(30)
  t.equal((await there?.get('/dashboard'))?.status, 403)
})

t.test('uses that meet a revocation of all are let in or asked, and nobody afterwards', async t => {
  const owner = await trust('ivo')
  const clients = await sessions('ivo', deviceCookie(owner), 40)
  const [answers] = await Promise.all([
    Promise.all(clients.map(client => client.get('/dashboard'))), owner.post('/2fa/devices/revoke')
  ])
  t.ok(statuses(answers).every(status => status === 200 || status === 403))
  await advance(31)
  t.same(statuses(await Promise.all(clients.map(client => client.get('/dashboard')))), [403])
})
