import { readFileSync } from 'node:fs'
import t from 'tap'
import { applyMigrations } from '../../plugin/storage/applied-migrations.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { snippet } from '../docs/snippets.js'
import { until } from '../faults/database.js'
import { codeAt } from '../helpers/host.js'
import { locksOf } from '../helpers/locks.js'
import { connect } from '../helpers/postgres.js'
import type { Answer, HttpClient } from '../helpers/process.js'
import { nextMigrations } from '../storage/next-migration.js'
import { startCluster, stores, type Store } from './cluster.js'
import { checkFlows, count } from './flows.js'
import { createPeople } from './people.js'
import { pooling, skip } from './services.js'

t.test('docs/operating.md has the lines that PgBouncer runs with', async t => {
  t.ok(readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8').includes(pooling))
})

if (skip) t.comment(skip)
else await testCluster()

async function testCluster (): Promise<void> {
  const cluster = await startCluster(t, snippet('redis-sessions').file)
  const { db, pooled, redis, clock, advance, prepareRestart } = cluster

  for (const store of stores) {
    t.test(`with sessions in ${store === 'redis' ? 'Redis' : 'the database'}`, t => checkFlows(t, cluster, store))
  }

  t.test('D3 sessions in a Redis that hangs, or is away: nobody has passed, no attempt is spent, and it comes back by itself', async t => {
    const { client, enrol } = createPeople(cluster, 'redis')
    const passed = await enrol('d3')
    const other = await client('d3')
    const visitor = await client('visitor')
    const [hangs, isAway] = [
      { fail: () => redis.signal('SIGSTOP'), mend: () => redis.signal('SIGCONT'), after: { url: '/dashboard', status: 403 } },
      // With its memory it loses the sessions: nobody is there any more.
      { fail: redis.stop, mend: redis.start, after: { url: '/2fa', status: 401 } }
    ]
    for (const { fail, mend, after } of [hangs, isAway]) {
      await fail()
      const code = codeAt(passed.secret, clock)
      const answers = await Promise.all([passed.client.get('/dashboard'), other.get('/dashboard'), other.post('/2fa/verify', { code })])
      t.same(answers.map(({ status }) => status), [500, 500, 503])
      t.match(await kyselyStorage(db).findStatus('d3'), { failedAttempts: 0 })
      await mend()
      // Each of the four has a connection of its own, and they take turns. Whoever signs in needs it.
      await until(async () => {
        for (let process = 0; process < 4; process++) if ((await visitor.post('/login/visitor')).status !== 200) return false
        return true
      })
      t.equal((await other.get(after.url)).status, after.status)
    }
    t.match(await passed.client.get('/2fa'), { status: 401 }, 'who had passed signs in again')
    const again = await client('d3')
    t.match(await again.get('/dashboard'), { status: 403 })
    t.match(await again.post('/2fa/verify', { code: codeAt(passed.secret, clock) }), { status: 200 }, 'the code of before was not used')
    t.match(await again.get('/dashboard'), { status: 200 })
  })

  t.test('migrations by PgBouncer, from several processes at once and while others serve, leave no lock behind', async t => {
    const { client } = createPeople(cluster, 'database')
    const visitor = await client('visitor')
    const done = new AbortController()
    const visits = (async () => { while (!done.signal.aborted) await visitor.get('/dashboard') })()
    await db.deleteFrom('two_factor_migrations' as never).execute()
    await Promise.all([1, 2, 3, 4].map(() => migrate(connect(t, pooled, 2))))
    done.abort()
    await visits
    t.same((await locksOf(db)).filter(({ locktype }) => locktype === 'advisory'), [])
  })

  t.test('a rolling upgrade under load loses no request: first the tables, as the next version has them, then each process', async t => {
    const people = { database: createPeople(cluster, 'database'), redis: createPeople(cluster, 'redis') }
    const there = { database: await people.database.enrol('rolling-database'), redis: await people.redis.enrol('rolling-redis') }
    // Beforehand, so that a small machine has its time for the load.
    const restart = await prepareRestart()
    const statuses = new Map<number, number>()
    const seen = new Set<unknown>()
    const told: Array<{ user: string, secret: string, store: Store }> = []
    const done = new AbortController()
    function note (answer: Answer): Answer {
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
      seen.add(answer.headers['x-process'])
      return answer
    }
    const load = ['a', 'b', 'c'].map(async (name, index) => {
      const store = stores[index % 2] ?? 'redis'
      for (let number = 0; !done.signal.aborted; number++) {
        const user = `rolling-${name}-${number}`
        const [browser] = await people[store].clients('nobody', 1) as [HttpClient]
        note(await browser.post(`/login/${user}`))
        const secret = String(note(await browser.post('/2fa/setup')).body.secret)
        note(await browser.post('/2fa/setup/confirm', { code: codeAt(secret, clock) }))
        told.push({ user, secret, store })
        for (const client of [browser, there[store].client]) note(await client.get('/dashboard'))
      }
    })
    async function serve () {
      const before = told.length
      await until(async () => told.length > before + 2)
    }
    await serve()
    await applyMigrations(db, nextMigrations)
    await serve()
    await restart(serve)
    done.abort()
    await Promise.all(load)

    t.comment(`${told.length} setups, answers: ${JSON.stringify(Object.fromEntries(statuses))}`)
    t.same([...statuses.keys()], [200])
    t.equal(seen.size, 8, 'the old processes served and the new ones do')
    await advance(30)
    const kept = await Promise.all(told.slice(-40).map(async ({ user, secret, store }) => {
      const client = await people[store].client(user)
      return client.post('/2fa/verify', { code: codeAt(secret, clock) })
    }))
    t.equal(count(kept, 200), kept.length, 'who was told that it is on can sign in')
    for (const { client } of Object.values(there)) {
      t.match(await client.get('/dashboard'), { status: 200 }, 'who signed in before is in, on a new process')
    }
  })
}
