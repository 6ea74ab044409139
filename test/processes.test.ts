import t from 'tap'
import { migrate } from '../plugin/storage/migrate.js'
import { kyselyStorage } from '../plugin/storage/kysely.js'
import { codeAt, encryptionKeys, wrongCode } from './helpers/host.js'
import { connect, startPostgres } from './helpers/postgres.js'
import { HttpClient, startServer, type Answer } from './helpers/process.js'

const postgres = await startPostgres(t)
const url = await postgres.createDatabase()
const db = connect(t, url, 2)
await migrate(db)
const storage = kyselyStorage(db)

let now = Date.parse('2026-01-01T00:00:00Z')
const clock = () => now
const processes = await Promise.all([1, 2].map(() => startServer(t, {
  DATABASE_URL: url, ENCRYPTION_KEY: encryptionKeys[0] ?? '', NOW: String(now)
})))
const servers = processes.map(({ origin }) => origin)

/** A user who has two-factor authentication, a step ago, on both servers. */
async function enrol (user: string): Promise<{ secret: string, recoveryCodes: string[] }> {
  const client = new HttpClient(servers[0] ?? '')
  await client.post(`/login/${user}`)
  const secret = String((await client.post('/2fa/setup')).body.secret)
  const confirmed = await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  now += 30_000
  await Promise.all(processes.map(server => server.setClock(now)))
  return { secret, recoveryCodes: confirmed.body.recoveryCodes as string[] }
}

/** Clients that know the password, each with an address of its own, on both servers. */
async function clients (user: string, count: number): Promise<HttpClient[]> {
  const made = Array.from({ length: count }, (_, index) =>
    new HttpClient(servers[index % servers.length] ?? '', `127.0.${1 + (index >> 8)}.${1 + index % 250}`))
  await Promise.all(made.map(client => client.post(`/login/${user}`)))
  return made
}

const count = (answers: Answer[], status: number) => answers.filter(answer => answer.status === status).length

t.test('C1 of 100 parallel submissions of one right code over two processes exactly one succeeds', async t => {
  const { secret } = await enrol('c1')
  const code = codeAt(secret, clock)
  const callers = await clients('c1', 100)

  const answers = await Promise.all(callers.map(client => client.post('/2fa/verify', { code })))

  t.equal(count(answers, 200), 1)
  t.equal(count(answers, 401) + count(answers, 429), 99)
  t.ok(((await storage.findStatus('c1'))?.failedAttempts ?? 0) <= 5)
  const inside = await Promise.all(callers.map(client => client.get('/dashboard')))
  t.equal(count(inside, 200), 1, 'and one client is in')
  t.equal(count(inside, 403), 99)
})

t.test('C2 a recovery code sent 20 times in parallel over two processes gets in once', async t => {
  const { recoveryCodes } = await enrol('c2')
  const callers = await clients('c2', 20)
  const answers = await Promise.all(callers.map(client => client.post('/2fa/recover', { code: recoveryCodes[3] ?? '' })))
  t.equal(count(answers, 200), 1)
  t.match(await storage.findStatus('c2'), { recoveryCodesLeft: 9 })
})

t.test('G1 of 1,000 parallel wrong codes from many addresses over two processes exactly 5 are evaluated', async t => {
  const { secret } = await enrol('g1')
  const code = wrongCode(secret, clock)
  const callers = await clients('g1', 1000)

  const answers = await Promise.all(callers.map(client => client.post('/2fa/verify', { code })))

  t.equal(count(answers, 401), 5)
  t.equal(count(answers, 429), 995)
  for (const answer of answers.filter(({ status }) => status === 429)) {
    t.match(answer, { headers: { 'retry-after': /^\d+$/ }, body: { code: 'FST_2FA_LOCKED' } })
  }
  t.match(await storage.findStatus('g1'), { failedAttempts: 5, lockedUntil: new Date(clock() + 60_000) })
  const right = await callers[0]?.post('/2fa/verify', { code: codeAt(secret, clock) })
  t.match(right, { status: 429 }, 'the right code is refused while the account is locked')
})

t.test('R1 a code that was accepted by one process is refused by the other', async t => {
  const { secret } = await enrol('r1')
  const [one, two] = await clients('r1', 2)
  const code = codeAt(secret, clock)
  t.match(await one?.post('/2fa/verify', { code }), { status: 200 })
  t.match(await two?.post('/2fa/verify', { code }), { status: 401, body: { code: 'FST_2FA_INVALID_CODE' } })
})

t.test('C4 of 20 parallel first setups over two processes one is on, with its own recovery codes', async t => {
  const callers = await clients('c4', 20)
  const setups = await Promise.all(callers.map(async client => {
    await client.post('/login/eve')
    return String((await client.post('/2fa/setup')).body.secret)
  }))
  const answers = await Promise.all(callers.map((client, index) =>
    client.post('/2fa/setup/confirm', { code: codeAt(setups[index] ?? '', clock) })))
  t.equal(count(answers, 200), 1)
  t.equal(count(answers, 409), 19)
  t.match(await storage.findStatus('eve'), { recoveryCodesLeft: 10, authenticators: { length: 1 } })

  const winner = answers.findIndex(({ status }) => status === 200)
  const [code] = answers[winner]?.body.recoveryCodes as string[]
  t.match(await callers[winner]?.post('/2fa/recover', { code }), { status: 200, body: { recoveryCodesLeft: 9 } })
})

t.test('D1 a database that is gone answers 503 and nobody is let in; it is served again once it is back', async t => {
  const { secret } = await enrol('d1')
  const callers = await clients('d1', 4)
  const code = codeAt(secret, clock)

  await postgres.stop()
  for (const client of callers) {
    const verify = await client.post('/2fa/verify', { code })
    t.match(verify, { status: 503, headers: { 'retry-after': '5' }, body: { code: 'FST_2FA_UNAVAILABLE' } })
    t.match(await client.get('/dashboard'), { status: 503, body: { code: 'FST_2FA_UNAVAILABLE' } })
    t.match(await client.get('/2fa'), { status: 503 })
  }

  await postgres.start()
  t.match(await storage.findStatus('d1'), { failedAttempts: 0 }, 'no attempt was spent')
  const [one, two] = callers
  t.match(await one?.post('/2fa/verify', { code }), { status: 200 }, 'the same code is still good')
  t.match(await one?.get('/dashboard'), { status: 200 })
  t.match(await two?.post('/2fa/verify', { code }), { status: 401 })
})
