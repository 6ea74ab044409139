import type { Kysely } from 'kysely'
import type { Test } from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { codeAt, createClock, encryptionKeys, wrongCode } from '../helpers/host.js'
import { HttpClient, startServer, type Answer } from '../helpers/process.js'

const count = (answers: Answer[], status: number) => answers.filter(answer => answer.status === status).length

/**
 * What two processes on one database must agree on. In long form: test/processes.test.ts.
 *
 * @param url - Of a migrated database, `db` is another connection to it.
 */
export async function checkProcesses (t: Test, url: string, db: Kysely<TwoFactorDatabase>): Promise<void> {
  const storage = kyselyStorage(db)
  const clock = createClock()
  const environment = { DATABASE_URL: url, ENCRYPTION_KEY: encryptionKeys[0] ?? '', NOW: String(clock()), RATE_LIMIT: 'off' }
  const servers = await Promise.all([1, 2].map(() => startServer(t, environment)))

  async function clients (user: string, count: number): Promise<HttpClient[]> {
    const made = Array.from({ length: count }, (_, index) => new HttpClient(servers[index % 2]?.origin ?? ''))
    await Promise.all(made.map(client => client.post(`/login/${user}`)))
    return made
  }

  /** A user who has two-factor authentication, a step ago. */
  async function enrol (user: string) {
    const [client] = await clients(user, 1)
    const secret = String((await client?.post('/2fa/setup'))?.body.secret)
    const confirmed = await client?.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
    clock.advance(30)
    await Promise.all(servers.map(server => server.setClock(clock())))
    return { secret, recoveryCodes: confirmed?.body.recoveryCodes as string[] }
  }

  await t.test('C1 of 100 parallel submissions of one right code exactly one succeeds', async t => {
    const { secret } = await enrol('c1')
    const code = codeAt(secret, clock)
    const answers = await Promise.all((await clients('c1', 100)).map(client => client.post('/2fa/verify', { code })))
    t.equal(count(answers, 200), 1)
    t.equal(count(answers, 401) + count(answers, 429), 99)
  })

  await t.test('C2 a recovery code sent 20 times in parallel gets in once', async t => {
    const { recoveryCodes } = await enrol('c2')
    const [code = ''] = recoveryCodes
    const answers = await Promise.all((await clients('c2', 20)).map(client => client.post('/2fa/recover', { code })))
    t.equal(count(answers, 200), 1)
    t.equal(count(answers, 401) + count(answers, 429), 19)
    t.match(await storage.findStatus('c2'), { recoveryCodesLeft: recoveryCodes.length - 1 })
  })

  await t.test('G1 of 200 parallel wrong codes exactly 5 are evaluated', async t => {
    const { secret } = await enrol('g1')
    const code = wrongCode(secret, clock)
    const callers = await clients('g1', 200)
    const answers = await Promise.all(callers.map(client => client.post('/2fa/verify', { code })))
    t.equal(count(answers, 401), 5)
    t.equal(count(answers, 429), 195)
    t.match(await storage.findStatus('g1'), { failedAttempts: 5, lockedUntil: new Date(clock() + 60_000) })
    t.match(await callers[0]?.post('/2fa/verify', { code: codeAt(secret, clock) }), { status: 429 })
  })

  await t.test('C4 of 8 parallel first setups one is on, with its own recovery codes', async t => {
    const callers = await clients('c4', 8)
    const setups = await Promise.all(callers.map(async client => String((await client.post('/2fa/setup')).body.secret)))
    const answers = await Promise.all(callers.map((client, index) =>
      client.post('/2fa/setup/confirm', { code: codeAt(setups[index] ?? '', clock) })))
    t.equal(count(answers, 200), 1)
    t.equal(count(answers, 409), 7)
    const winner = answers.findIndex(({ status }) => status === 200)
    const { recoveryCodes } = answers[winner]?.body as { recoveryCodes: string[] }
    t.match(await storage.findStatus('c4'), { recoveryCodesLeft: recoveryCodes.length, authenticators: { length: 1 } })
    const recovered = await callers[winner]?.post('/2fa/recover', { code: recoveryCodes[0] })
    t.match(recovered, { status: 200, body: { recoveryCodesLeft: recoveryCodes.length - 1 } })
  })
}
