import { readFileSync } from 'node:fs'
import t from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { until } from '../faults/database.js'
import { codeAt, wrongCode } from '../helpers/host.js'
import { HttpClient, type Answer } from '../helpers/process.js'
import { startCluster } from './cluster.js'
import { pooling, skip } from './services.js'

t.test('docs/operating.md has the lines that PgBouncer runs with', async t => {
  t.ok(readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8').includes(pooling))
})

if (skip) t.comment(skip)
else await testCluster()

async function testCluster (): Promise<void> {
  const { origin, db, clock, advance, prepareRestart } = await startCluster(t)
  const storage = kyselyStorage(db)
  let addresses = 0

  /** An address that no other client has. */
  function address (): string {
    const number = ++addresses
    return `127.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
  }

  /** Clients past the password, each with an address of its own. */
  async function clients (user: string, count: number): Promise<HttpClient[]> {
    const made = Array.from({ length: count }, () => new HttpClient(origin, address()))
    await Promise.all(made.map(client => client.post(`/login/${user}`)))
    return made
  }

  async function enrol (user: string): Promise<{ client: HttpClient, secret: string, recoveryCodes: string[] }> {
    const [client] = await clients(user, 1) as [HttpClient]
    const secret = String((await client.post('/2fa/setup')).body.secret)
    const { status, body } = await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
    if (status !== 200) throw new Error(JSON.stringify(body))
    await advance(30)
    return { client, secret, recoveryCodes: body.recoveryCodes as string[] }
  }

  const count = (answers: Answer[], status: number) => answers.filter(answer => answer.status === status).length

  t.test('all flows pass while the requests of one user hop between four processes', async t => {
    const { client, secret, recoveryCodes } = await enrol('ada')
    const seen = new Set<unknown>()
    for (let request = 0; request < 8; request++) {
      const { status, headers } = await client.get('/dashboard')
      t.equal(status, 200)
      seen.add(headers['x-process'])
    }
    t.equal(seen.size, 4, 'each process was asked')

    const added = String((await client.post('/2fa/setup')).body.secret)
    t.match(await client.post('/2fa/setup/confirm', { code: codeAt(added, clock), name: 'Tablet' }), { status: 200, body: { recoveryCodes: [] } })
    const { authenticators } = (await client.get('/2fa/authenticators')).body as { authenticators: Array<{ id: string, name: string }> }
    const tablet = authenticators.find(({ name }) => name === 'Tablet')?.id
    t.match(await client.post(`/2fa/authenticators/${tablet}/remove`), { status: 200, body: { removed: true, enabled: true } })

    const [other] = await clients('ada', 1) as [HttpClient]
    t.match(await other.get('/dashboard'), { status: 403 })
    t.match(await other.post('/2fa/recover', { code: recoveryCodes[0] }), { status: 200, body: { recoveryCodesLeft: 4 } })
    t.match(await other.get('/dashboard'), { status: 200 })
    const { recoveryCodes: renewed } = (await other.post('/2fa/recovery-codes')).body as { recoveryCodes: string[] }
    t.equal(renewed.length, 5)

    await other.post('/logout')
    t.match(await other.get('/2fa'), { status: 401 })
    await other.post('/login/ada')
    t.match(await other.post('/2fa/recover', { code: recoveryCodes[1] }), { status: 401 }, 'of the set before')
    t.match(await other.post('/2fa/verify', { code: codeAt(secret, clock) }), { status: 200 })
    await advance(30)
    t.match(await other.post('/2fa/disable', { code: codeAt(secret, clock) }), { status: 200, body: { enabled: false } })
    t.match((await other.get('/2fa')).body, { enabled: false })
  })

  t.test('G1 of 1,000 parallel wrong codes over four processes exactly 5 are evaluated', async t => {
    const { secret } = await enrol('g1')
    const code = wrongCode(secret, clock)
    const callers = await clients('g1', 1000)
    const answers = await Promise.all(callers.map(client => client.post('/2fa/verify', { code })))
    t.equal(count(answers, 401), 5)
    t.equal(count(answers, 429), 995)
    t.match(await storage.findStatus('g1'), { failedAttempts: 5, lockedUntil: new Date(clock() + 60_000) })
  })

  t.test('C1 of 100 parallel submissions of one right code over four processes exactly one succeeds', async t => {
    const { secret } = await enrol('c1')
    const callers = await clients('c1', 100)
    const answers = await Promise.all(callers.map(client => client.post('/2fa/verify', { code: codeAt(secret, clock) })))
    t.equal(count(answers, 200), 1)
    t.equal(count(answers, 401) + count(answers, 429), 99)
    t.equal(count(await Promise.all(callers.map(client => client.get('/dashboard'))), 200), 1, 'and one client is in')
  })

  t.test('C2 a recovery code sent 20 times in parallel over four processes gets in once', async t => {
    const { recoveryCodes } = await enrol('c2')
    const callers = await clients('c2', 20)
    const answers = await Promise.all(callers.map(client => client.post('/2fa/recover', { code: recoveryCodes[3] })))
    t.equal(count(answers, 200), 1)
    t.match(await storage.findStatus('c2'), { recoveryCodesLeft: 4 })
  })

  t.test('the token of a trusted device is rotated once by 40 parallel requests over four processes', async t => {
    const { client, secret } = await enrol('t1')
    await client.post('/2fa/verify', { code: codeAt(secret, clock), trustDevice: true })
    const deviceOf = ({ cookie }: HttpClient) => /two-factor-device=[^;]*/.exec(cookie)?.[0] ?? ''
    const row = () => db.selectFrom('two_factor_trusted_devices').selectAll().where('user_id', '=', 't1').executeTakeFirstOrThrow()
    let device = deviceOf(client)
    for (let round = 0; round < 3; round++) {
      const before = await row()
      await advance(60)
      const browsers = await clients('t1', 40)
      for (const browser of browsers) browser.cookie += `; ${device}`
      t.equal(count(await Promise.all(browsers.map(browser => browser.get('/dashboard'))), 200), 40)
      const after = await row()
      t.same(after.previous_hash, before.token_hash, 'one rotation: the token before is the one that all presented')
      t.ok(after.generation > 0, 'no alarm')
      device = deviceOf(browsers[(round * 13) % 40] as HttpClient)
    }
  })

  t.test('G3 the requests of one address are counted over the processes, in Redis', async t => {
    const [client] = await clients('g3', 1) as [HttpClient]
    const answers = await Promise.all(Array.from({ length: 60 }, () => client.post('/2fa/verify', { code: '123456' })))
    t.equal(answers.filter(({ body }) => body.code === 'FST_2FA_TOO_MANY_REQUESTS').length, 40)
  })

  t.test('a rolling restart of all processes under load loses no request', async t => {
    const restart = await prepareRestart()
    const there = await enrol('rolling')
    const statuses = new Map<number, number>()
    const seen = new Set<unknown>()
    const told: Array<{ user: string, secret: string }> = []
    const done = new AbortController()
    function note (answer: Answer): Answer {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      seen.add(answer.headers['x-process'])
      return answer
    }
    const load = ['a', 'b', 'c'].map(async name => {
      for (let number = 0; !done.signal.aborted; number++) {
        const user = `rolling-${name}-${number}`
        const browser = new HttpClient(origin, address())
        note(await browser.post(`/login/${user}`))
        const secret = String(note(await browser.post('/2fa/setup')).body.secret)
        note(await browser.post('/2fa/setup/confirm', { code: codeAt(secret, clock) }))
        told.push({ user, secret })
        for (const client of [browser, there.client]) note(await client.get('/dashboard'))
      }
    })
    await restart(async () => {
      const before = told.length
      await until(async () => told.length > before + 3)
    })
    done.abort()
    await Promise.all(load)

    t.comment(`${told.length} setups, answers: ${JSON.stringify(Object.fromEntries(statuses))}`)
    t.same([...statuses.keys()], [200])
    t.equal(seen.size, 8, 'the old processes served and the new ones do')
    await advance(30)
    const kept = await Promise.all(told.slice(-40).map(async ({ user, secret }) => {
      const [client] = await clients(user, 1) as [HttpClient]
      return client.post('/2fa/verify', { code: codeAt(secret, clock) })
    }))
    t.equal(count(kept, 200), kept.length, 'who was told that it is on can sign in')
    t.match(await there.client.get('/dashboard'), { status: 200 }, 'who signed in before is in, on a new process')
  })
}
