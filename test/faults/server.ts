import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { createCommandService } from '../../plugin/cli/context.js'
import twoFactor, {
  authenticatorApi, kyselyStorage, localVerifier, type TwoFactorDatabase, type TwoFactorOptions
} from '../../plugin/index.js'
import { listen } from './process.js'

/** What the harness asks of a server, beside HTTP. */
export type Order =
  | { readonly clock: number }
  | { readonly rotateTo: number }
  | { readonly imports: ReadonlyArray<{ readonly userId: string, readonly secret: string }> }

// A host as a process of its own, which is killed and cut off from its database, its Redis and its checker of codes.
const { DATABASE_URL, ENCRYPTION_KEYS = '', NOW = '', STORAGE_TIMEOUT, REDIS_PORT, CHECKER_URL = '' } = process.env
const encryptionKeys = ENCRYPTION_KEYS.split(',')
let now = Number(NOW)

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 8, connectionTimeoutMillis: 1000 })
pool.on('error', () => {})
pool.on('connect', client => client.on('error', () => {}))
const storage = kyselyStorage(new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) }))

const redis = REDIS_PORT === undefined
  ? undefined
  : new Redis({ host: '127.0.0.1', port: Number(REDIS_PORT), maxRetriesPerRequest: 1 })
redis?.on('error', () => {})
const local = localVerifier()
const remote = authenticatorApi({
  url: CHECKER_URL, allowHttp: true, timeout: 1000, breaker: { failures: 5, pause: 200 }
})

const app = Fastify({ logger: { level: 'trace' } })
await app.register(cookie)
await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false })
app.post<{ Params: { user: string } }>('/login/:user', async request => {
  const { user } = request.params
  request.session.user = { id: user, label: user }
  return { user }
})

/** The plugin once more, on the same tables. Every code can be checked by each. */
async function open (prefix: string, options: Pick<TwoFactorOptions, 'verifier' | 'rateLimit'>): Promise<void> {
  await app.register(async scope => {
    await scope.register(twoFactor, {
      issuer: 'Acme',
      encryptionKeys,
      storage,
      prefix,
      getUser: request => request.session.user ?? null,
      clock: () => now,
      audit: true,
      // Each takes as long as a request.
      recoveryCodes: 5,
      storageTimeout: Number(STORAGE_TIMEOUT),
      ...options
    })
    scope.get(`${prefix}-dashboard`, { config: { twoFactor: true } }, async () => ({ dashboard: true }))
  })
}

const limit = (skipOnError: boolean) => redis ? { redis, skipOnError, max: 1_000_000 } : false
await open('/strict', { verifier: [local, remote], rateLimit: limit(false) })
await open('/lenient', { verifier: [remote, local], rateLimit: limit(true) })

async function obey (order: Order): Promise<unknown> {
  if ('clock' in order) {
    now = order.clock
    return now
  }
  // Rotation makes another key the first one, import has the keys of the app.
  const first = 'rotateTo' in order ? order.rotateTo : 0
  const keys = encryptionKeys.map((_, index) => encryptionKeys[(index + first) % encryptionKeys.length] ?? '')
  const { service } = createCommandService(storage, keys, { audit: true })
  if ('rotateTo' in order) return service.rotateKeys({ batchSize: 4 })
  return service.importSecrets(order.imports.map(({ userId, secret }) => ({ userId, imported: { secret } })))
}

listen(await app.listen({ host: '127.0.0.1', port: 0 }), obey)
