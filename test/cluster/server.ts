import { pathToFileURL } from 'node:url'
import cookie from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'
import { Redis } from 'ioredis'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import type { DemoDatabase } from '../../demo/database.js'
import { sessionStore } from '../../demo/session-store.js'
import twoFactor, { kyselyStorage, migrate } from '../../plugin/index.js'

type SessionStore = NonNullable<FastifySessionOptions['store']>

// One process of several: all that it has is in the database, behind PgBouncer, and in Redis. It is two hosts, one
// with its sessions in the database and one with them in Redis, each on a port of its own.
const { DATABASE_URL, REDIS_PORT, SESSIONS_IN_REDIS = '', ENCRYPTION_KEY = '', NOW = '' } = process.env
let now = Number(NOW)
const clock = () => now
process.on('message', message => {
  now = Number(message)
  process.send?.('set')
})
process.on('disconnect', () => process.exit())

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10, connectionTimeoutMillis: 10_000 })
pool.on('error', () => {})
pool.on('connect', client => client.on('error', () => {}))
const db = new Kysely<DemoDatabase>({ dialect: new PostgresDialect({ pool }) })
const redis = new Redis({ host: '127.0.0.1', port: Number(REDIS_PORT), maxRetriesPerRequest: 1 })
redis.on('error', () => {})
const { redisSessions } = await import(pathToFileURL(SESSIONS_IN_REDIS).href) as {
  redisSessions: (app: FastifyInstance, url: string, timeout: number) => Promise<SessionStore>
}

async function startHost (
  storeOf: (app: FastifyInstance) => Promise<SessionStore> | SessionStore
): Promise<FastifyInstance> {
  // The balancer is on loopback, and says who asks.
  const app = Fastify({ trustProxy: '127.0.0.1' })
  await app.register(cookie)
  await app.register(session, {
    secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false, store: await storeOf(app)
  })
  await app.register(twoFactor, {
    issuer: 'Acme',
    encryptionKeys: [ENCRYPTION_KEY],
    storage: kyselyStorage(db),
    getUser: request => request.session.user ?? null,
    clock,
    trustedDevices: true,
    recoveryCodes: 5,
    rateLimit: { redis, skipOnError: true, max: 20 },
    // Here it is counted, not timed: a thousand requests at once may take their time on a small machine.
    storageTimeout: 10_000
  })
  app.addHook('onSend', async (_request, reply) => { reply.header('x-process', process.pid) })
  app.post<{ Params: { user: string } }>('/login/:user', async request => {
    const { user } = request.params
    await request.session.regenerate()
    request.session.user = { id: user, label: user }
    return { user }
  })
  app.post('/logout', async request => {
    await request.twoFactor.end()
    await request.session.destroy()
    return {}
  })
  app.get('/dashboard', { config: { twoFactor: true } }, async () => ({ dashboard: true }))
  return app
}

await migrate(db)
const hosts = [
  await startHost(() => sessionStore(db, clock)),
  await startHost(app => redisSessions(app, `redis://127.0.0.1:${REDIS_PORT}`, 5_000))
]

process.once('SIGTERM', async () => {
  await Promise.all(hosts.map(app => app.close()))
  await db.destroy()
  await redis.quit().catch(() => {})
  process.exit()
})
process.send?.(await Promise.all(hosts.map(app => app.listen({ host: '127.0.0.1', port: 0 }))))
