import { monitorEventLoopDelay } from 'node:perf_hooks'
import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import twoFactor, {
  bearerProof, kyselyStorage, type TwoFactorDatabase, type TwoFactorOptions, type TwoFactorUser
} from '../../plugin/index.js'
import { soakClock } from './soak-clock.js'

// One process with two apps: clients with cookies, and clients with tokens. Both users of the same tables.

/** What the process says of itself when it is asked. */
export interface Sample {
  /** Bytes of the heap after a collection. */
  readonly heap: number
  /** Bytes that the system has given to the process. */
  readonly rss: number
  /** How late the event loop was, 99 times of 100 since the last sample, in milliseconds. */
  readonly delay: number
}

const { DATABASE_URL, ENCRYPTION_KEY = '', BEGAN = '', USER_HEADER = '' } = process.env

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10, connectionTimeoutMillis: 2000 })
pool.on('error', () => {})
pool.on('connect', client => client.on('error', () => {}))
const db = new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) })

const hour = 3_600_000
const options: Omit<TwoFactorOptions, 'getUser'> = {
  issuer: 'Acme',
  encryptionKeys: [ENCRYPTION_KEY],
  storage: kyselyStorage(db),
  clock: soakClock(Number(BEGAN)),
  // Half a dozen minutes of a fast clock: what is swept up is swept up while somebody looks.
  passTtl: hour,
  recoveryCodes: 5,
  // On, and counting addresses, of which every client has one of its own.
  rateLimit: { max: 1000 },
  audit: true
}

async function serve (register: (app: FastifyInstance) => Promise<void>): Promise<string> {
  const app = Fastify({ trustProxy: true })
  await register(app)
  app.get('/dashboard', { config: { twoFactor: true } }, async () => ({ dashboard: true }))
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const cookies = await serve(async app => {
  await app.register(cookie)
  await app.register(session, {
    secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false
  })
  await app.register(twoFactor, {
    ...options, trustedDevices: { ttl: hour }, getUser: request => request.session.user ?? null
  })
  app.post<{ Params: { user: string } }>('/login/:user', async ({ params: { user }, session }) => {
    session.user = { id: user, label: user }
    return {}
  })
  // As a host should: the session is gone from its store, which here is memory.
  app.post('/logout', async request => {
    await request.twoFactor.end()
    await request.session.destroy()
    return {}
  })
})

const tokens = await serve(async app => {
  await app.register(twoFactor, {
    ...options,
    proof: bearerProof(),
    getUser: ({ headers }): TwoFactorUser | null => {
      const id = String(headers[USER_HEADER] ?? '')
      return id === '' ? null : { id, label: id }
    }
  })
})

const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()
process.on('message', () => {
  // The resolution of the timer is what it says on an idle loop.
  const late = Math.max(0, delay.percentile(99) / 1e6 - 5)
  globalThis.gc?.()
  globalThis.gc?.()
  const { heapUsed, rss } = process.memoryUsage()
  const sample: Sample = { heap: heapUsed, rss, delay: late }
  process.send?.(sample)
  // The collection itself held it up, which is not the package's doing.
  setImmediate(() => delay.reset())
})
process.on('disconnect', () => process.exit())
process.send?.({ cookies, tokens })
