import type { Test } from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { codeAt, wrongCode } from '../helpers/host.js'
import type { Answer, HttpClient } from '../helpers/process.js'
import type { Cluster, Store } from './cluster.js'
import { createPeople } from './people.js'

export const count = (answers: Answer[], status: number) => answers.filter(answer => answer.status === status).length

/** All that a user does, and what must stay exact, while each request goes to the next process. */
export async function checkFlows (t: Test, cluster: Cluster, store: Store): Promise<void> {
  const { db, clock, advance } = cluster
  const { client, clients, enrol } = createPeople(cluster, store)
  const storage = kyselyStorage(db)
  // What is counted is in the database, wherever sessions are: once in long form.
  const [wrongCodes, rightCodes, devices, rounds] = store === 'database' ? [1000, 100, 40, 3] : [50, 20, 20, 1]

  await t.test('all flows pass while the requests of one user hop between four processes', async t => {
    const { client: first, secret, recoveryCodes } = await enrol(`ada-${store}`)
    const seen = new Set<unknown>()
    for (let request = 0; request < 8; request++) {
      const { status, headers } = await first.get('/dashboard')
      t.equal(status, 200)
      seen.add(headers['x-process'])
    }
    t.equal(seen.size, 4, 'each process was asked')

    const added = String((await first.post('/2fa/setup')).body.secret)
    t.match(await first.post('/2fa/setup/confirm', { code: codeAt(added, clock), name: 'Tablet' }), { status: 200, body: { recoveryCodes: [] } })
    const { authenticators } = (await first.get('/2fa/authenticators')).body as { authenticators: Array<{ id: string, name: string }> }
    const tablet = authenticators.find(({ name }) => name === 'Tablet')?.id
    t.match(await first.post(`/2fa/authenticators/${tablet}/remove`), { status: 200, body: { removed: true, enabled: true } })

    const other = await client(`ada-${store}`)
    t.match(await other.get('/dashboard'), { status: 403 })
    t.match(await other.post('/2fa/recover', { code: recoveryCodes[0] }), { status: 200, body: { recoveryCodesLeft: 4 } })
    t.match(await other.get('/dashboard'), { status: 200 })
    const { recoveryCodes: renewed } = (await other.post('/2fa/recovery-codes')).body as { recoveryCodes: string[] }
    t.equal(renewed.length, 5)

    await other.post('/logout')
    t.match(await other.get('/2fa'), { status: 401 })
    await other.post(`/login/ada-${store}`)
    t.match(await other.post('/2fa/recover', { code: recoveryCodes[1] }), { status: 401 }, 'of the set before')
    t.match(await other.post('/2fa/verify', { code: codeAt(secret, clock) }), { status: 200 })
    await advance(30)
    t.match(await other.post('/2fa/disable', { code: codeAt(secret, clock) }), { status: 200, body: { enabled: false } })
    t.match((await other.get('/2fa')).body, { enabled: false })
  })

  await t.test(`G1 of ${wrongCodes} parallel wrong codes over four processes exactly 5 are evaluated`, async t => {
    const { secret } = await enrol(`g1-${store}`)
    const code = wrongCode(secret, clock)
    const callers = await clients(`g1-${store}`, wrongCodes)
    const answers = await Promise.all(callers.map(client => client.post('/2fa/verify', { code })))
    t.equal(count(answers, 401), 5)
    t.equal(count(answers, 429), wrongCodes - 5)
    t.match(await storage.findStatus(`g1-${store}`), { failedAttempts: 5, lockedUntil: new Date(clock() + 60_000) })
  })

  await t.test(`C1 of ${rightCodes} parallel submissions of one right code over four processes exactly one succeeds`, async t => {
    const { secret } = await enrol(`c1-${store}`)
    const callers = await clients(`c1-${store}`, rightCodes)
    const answers = await Promise.all(callers.map(client => client.post('/2fa/verify', { code: codeAt(secret, clock) })))
    t.equal(count(answers, 200), 1)
    t.equal(count(answers, 401) + count(answers, 429), rightCodes - 1)
    t.equal(count(await Promise.all(callers.map(client => client.get('/dashboard'))), 200), 1, 'and one client is in')
  })

  await t.test('C2 a recovery code sent 20 times in parallel over four processes gets in once', async t => {
    const { recoveryCodes } = await enrol(`c2-${store}`)
    const callers = await clients(`c2-${store}`, 20)
    const answers = await Promise.all(callers.map(client => client.post('/2fa/recover', { code: recoveryCodes[3] })))
    t.equal(count(answers, 200), 1)
    t.match(await storage.findStatus(`c2-${store}`), { recoveryCodesLeft: 4 })
  })

  await t.test(`the token of a trusted device is rotated once by ${devices} parallel requests over four processes`, async t => {
    const { client, secret } = await enrol(`t1-${store}`)
    await client.post('/2fa/verify', { code: codeAt(secret, clock), trustDevice: true })
    const deviceOf = ({ cookie }: HttpClient) => /two-factor-device=[^;]*/.exec(cookie)?.[0] ?? ''
    const row = () => db.selectFrom('two_factor_trusted_devices').selectAll().where('user_id', '=', `t1-${store}`).executeTakeFirstOrThrow()
    let device = deviceOf(client)
    for (let round = 0; round < rounds; round++) {
      const before = await row()
      await advance(60)
      const browsers = await clients(`t1-${store}`, devices)
      for (const browser of browsers) browser.cookie += `; ${device}`
      t.equal(count(await Promise.all(browsers.map(browser => browser.get('/dashboard'))), 200), devices)
      const after = await row()
      t.same(after.previous_hash, before.token_hash, 'one rotation: the token before is the one that all presented')
      t.ok(after.generation > 0, 'no alarm')
      device = deviceOf(browsers[(round * 13) % devices] as HttpClient)
    }
  })

  await t.test('G3 the requests of one address are counted over the processes, in Redis', async t => {
    const caller = await client(`g3-${store}`)
    const answers = await Promise.all(Array.from({ length: 60 }, () => caller.post('/2fa/verify', { code: '123456' })))
    t.equal(answers.filter(({ body }) => body.code === 'FST_2FA_TOO_MANY_REQUESTS').length, 40)
  })
}
