import t from 'tap'
import { kyselyStorage } from '../plugin/storage/kysely.js'
import { codeAt, wrongCode } from './helpers/host.js'
import { startPair } from './helpers/pair.js'
import { startOwnPostgres } from './helpers/postgres.js'
import { HttpClient, type Answer } from './helpers/process.js'

// One that can be stopped.
const postgres = await startOwnPostgres(t)
const { db, origins: servers, clock, advance } = await startPair(t, { postgres })
const storage = kyselyStorage(db)

/** A user who has two-factor authentication, a step ago, on both servers. */
async function enrol (user: string): Promise<{ client: HttpClient, secret: string, recoveryCodes: string[] }> {
  const client = new HttpClient(servers[0] ?? '')
  await client.post(`/login/${user}`)
  const secret = String((await client.post('/2fa/setup')).body.secret)
  const confirmed = await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  await advance(30)
  return { client, secret, recoveryCodes: confirmed.body.recoveryCodes as string[] }
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
  t.match(await storage.findStatus('c2'), { recoveryCodesLeft: 7 })
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
  t.match(await storage.findStatus('eve'), { recoveryCodesLeft: 8, authenticators: { length: 1 } })

  const winner = answers.findIndex(({ status }) => status === 200)
  const [code] = answers[winner]?.body.recoveryCodes as string[]
  t.match(await callers[winner]?.post('/2fa/recover', { code }), { status: 200, body: { recoveryCodesLeft: 7 } })
})

async function authenticatorIds (client: HttpClient): Promise<string[]> {
  const { authenticators } = (await client.get('/2fa/authenticators')).body
  return (authenticators as Array<{ id: string }>).map(({ id }) => id)
}

/** What the database has of a user, at one moment. */
async function rowsOf (user: string) {
  const count = (table: 'authenticators' | 'passes') => db.selectFrom(`two_factor_${table}`)
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('user_id', '=', user)
  const row = await db.selectFrom('two_factor_users')
    .select(({ eb }) => [
      eb('enabled_at', 'is not', null).as('enabled'), eb('recovery_hashes', 'is not', null).as('recoveryCodes'),
      count('authenticators').as('authenticators'), count('passes').as('passes')
    ])
    .where('user_id', '=', user)
    .executeTakeFirstOrThrow()
  return {
    enabled: Boolean(row.enabled),
    authenticators: Number(row.authenticators),
    recoveryCodes: Boolean(row.recoveryCodes),
    passes: Number(row.passes)
  }
}

t.test('S8 the last authenticator is removed while codes are sent to both processes: no pass is left alive, nothing is half off', async t => {
  for (let round = 0; round < 6; round++) {
    const user = `last-${round}`
    const { client, secret, recoveryCodes } = await enrol(user)
    const [id = ''] = await authenticatorIds(client)
    const callers = await clients(user, 12)
    const half: unknown[] = []
    const done = new AbortController()
    const watching = (async () => {
      while (!done.signal.aborted) {
        const rows = await rowsOf(user)
        const { enabled, authenticators, recoveryCodes, passes } = rows
        const off = authenticators + passes === 0 && !recoveryCodes
        if (enabled ? authenticators !== 1 || !recoveryCodes : !off) half.push(rows)
      }
    })()

    const send = (caller: HttpClient, index: number) => index < 4
      ? caller.post('/2fa/verify', { code: codeAt(secret, clock, index % 2) })
      : caller.post('/2fa/recover', { code: recoveryCodes[index - 4] ?? '' })
    const remove = () => client.post(`/2fa/authenticators/${id}/remove`)
    const tasks = callers.map((caller, index) => () => send(caller, index))
    // Each round a little later among them.
    const answers = await Promise.all(tasks.toSpliced(round * 2, 0, remove).map(task => task()))
    const [removal] = answers.splice(round * 2, 1)
    t.match(removal, { status: 200, body: { removed: true, enabled: false } })
    done.abort()
    await watching

    t.same(half, [])
    t.equal(count(answers, 200) + count(answers, 401) + count(answers, 429), 12, 'none met a half state')
    t.same(await rowsOf(user), { enabled: false, authenticators: 0, recoveryCodes: false, passes: 0 })
    // Set up again, so that a pass is asked for; and until every process has read again.
    await enrol(user)
    await advance(31)
    t.equal(count(await Promise.all([...callers, client].map(caller => caller.get('/dashboard'))), 403), 13, 'nobody is in')
  }
})

t.test('of two removals over two processes at once one meets the last authenticator', async t => {
  const { client, secret } = await enrol('both')
  const added = String((await client.post('/2fa/setup')).body.secret)
  await client.post('/2fa/setup/confirm', { code: codeAt(added, clock) })
  const [, other] = await clients('both', 2)
  t.match(await other?.post('/2fa/verify', { code: codeAt(secret, clock) }), { status: 200 })
  const ids = await authenticatorIds(client)
  t.equal(ids.length, 2)
  const answers = await Promise.all([client, other].map((caller, index) => caller?.post(`/2fa/authenticators/${ids[index]}/remove`)))
  t.same(answers.map(answer => answer?.status), [200, 200])
  t.same(answers.map(answer => answer?.body.enabled).sort(), [false, true])
  t.same(await rowsOf('both'), { enabled: false, authenticators: 0, recoveryCodes: false, passes: 0 })
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
