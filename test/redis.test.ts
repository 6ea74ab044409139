import { once } from 'node:events'
import { Redis } from 'ioredis'
import t, { type Test } from 'tap'
import { kyselyStorage } from '../plugin/storage/kysely.js'
import { buildHost, codeAt, enrol, signIn, wrongCode } from './helpers/host.js'
import { openPostgres, startPostgres } from './helpers/postgres.js'
import { skip, startRedis, type RedisServer } from './helpers/redis.js'

/** A client of it that fails at once while it is away. */
function clientOf (t: Test, { port }: RedisServer): Redis {
  const redis = new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: 0, enableOfflineQueue: false, lazyConnect: false })
  redis.on('error', () => {})
  t.teardown(() => redis.disconnect())
  return redis
}

t.test('a limiter on Redis counts over processes, and is the outer wall only', { skip }, async t => {
  const postgres = await startPostgres(t)
  const storage = kyselyStorage(await openPostgres(t, postgres))
  const redis = await startRedis(t)
  const [one, two] = await Promise.all([1, 2].map(async () => {
    const client = clientOf(t, redis)
    await once(client, 'ready')
    return buildHost(t, { storage, rateLimit: { redis: client, max: 12 } })
  }))
  if (!one || !two) throw new Error('Two hosts')

  const { secret } = await enrol(one)
  const limited: number[] = []
  for (let attempt = 0; attempt < 16; attempt++) {
    const client = await signIn(attempt % 2 ? one : two)
    const { statusCode } = await client.post('/2fa/verify', { code: wrongCode(secret, one.clock) })
    limited.push(statusCode)
  }
  // Two requests enrolled, so ten are left of twelve.
  t.same(limited.map(status => status === 429).lastIndexOf(false), 4, 'the account is locked after five')
  const last = await (await signIn(one)).post('/2fa/verify', { code: '000000' })
  t.match(last.json(), { code: 'FST_2FA_TOO_MANY_REQUESTS' })
  t.match(last.headers['retry-after'], /^\d+$/)
})

t.test('D2 with Redis down the limit of the account holds with skipOnError, and without it nobody is let in', { skip }, async t => {
  const postgres = await startPostgres(t)
  const storage = kyselyStorage(await openPostgres(t, postgres))
  const redis = await startRedis(t)
  const client = clientOf(t, redis)
  await once(client, 'ready')
  const lenient = await buildHost(t, { storage, rateLimit: { redis: client, skipOnError: true } })
  const strict = await buildHost(t, { storage, rateLimit: { redis: client } })
  const { secret } = await enrol(lenient)
  await redis.stop()

  lenient.clock.advance(30)
  const refused = await (await signIn(strict)).post('/2fa/verify', { code: codeAt(secret, lenient.clock) })
  t.match(refused.json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' })

  const statuses: number[] = []
  for (let attempt = 0; attempt < 8; attempt++) {
    const guesser = await signIn(lenient)
    statuses.push((await guesser.post('/2fa/verify', { code: wrongCode(secret, lenient.clock) })).statusCode)
  }
  t.same(statuses, [401, 401, 401, 401, 401, 429, 429, 429])
})

t.test('D2 a Redis that hangs is waited for as long as a statement, by a client that would wait for ever', { skip }, async t => {
  const storage = kyselyStorage(await openPostgres(t, await startPostgres(t)))
  const redis = await startRedis(t)
  const client = new Redis({ host: '127.0.0.1', port: redis.port })
  t.teardown(() => client.disconnect())
  await once(client, 'ready')
  const lenient = await buildHost(t, { storage, rateLimit: { redis: client, skipOnError: true }, storageTimeout: 500 })
  const strict = await buildHost(t, { storage, rateLimit: { redis: client }, storageTimeout: 500 })
  const { secret } = await enrol(lenient)
  redis.signal('SIGSTOP')

  lenient.clock.advance(30)
  const code = codeAt(secret, lenient.clock)
  const refused = await (await signIn(strict)).post('/2fa/verify', { code })
  t.match(refused.json(), { statusCode: 503, code: 'FST_2FA_UNAVAILABLE' })
  t.equal((await (await signIn(lenient)).post('/2fa/verify', { code })).statusCode, 200, 'and that code was not used')

  redis.signal('SIGCONT')
  const limited = await (await signIn(strict)).post('/2fa/verify', { code })
  t.equal(limited.statusCode, 401)
  t.ok(Number(limited.headers['x-ratelimit-remaining']) < 98, 'what was sent meanwhile is counted late, and is answered once')
})

t.test('G9 an account stays locked when the processes restart and Redis is emptied', { skip }, async t => {
  const postgres = await startPostgres(t)
  const storage = kyselyStorage(await openPostgres(t, postgres))
  const redis = await startRedis(t)
  const client = clientOf(t, redis)
  await once(client, 'ready')
  const before = await buildHost(t, { storage, rateLimit: { redis: client } })
  const { secret } = await enrol(before)
  before.clock.advance(30)
  const guess = wrongCode(secret, before.clock)
  for (let attempt = 0; attempt < 5; attempt++) await (await signIn(before)).post('/2fa/verify', { code: guess })
  await before.app.close()
  t.equal(await client.flushall(), 'OK')

  const after = await buildHost(t, { storage, rateLimit: { redis: client }, clock: before.clock })
  const right = () => signIn(after).then(user => user.post('/2fa/verify', { code: codeAt(secret, after.clock) }))
  t.match(await right(), { statusCode: 429, headers: { 'retry-after': '60' } })
  t.match((await right()).json(), { code: 'FST_2FA_LOCKED' })
  after.clock.advance(60)
  t.equal((await right()).statusCode, 200, 'and is open once the minute is over')
})
