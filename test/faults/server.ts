import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { createCommandService } from '../../plugin/cli/context.js'
import twoFactor, { kyselyStorage, type TwoFactorDatabase } from '../../plugin/index.js'

/** What the harness asks of a server, beside HTTP. */
export type Order =
  | { readonly clock: number }
  | { readonly rotateTo: number }
  | { readonly imports: ReadonlyArray<{ readonly userId: string, readonly secret: string }> }

// A host as a process of its own, which is killed and cut off from its database.
const { DATABASE_URL, ENCRYPTION_KEYS = '', NOW = '', STORAGE_TIMEOUT } = process.env
const encryptionKeys = ENCRYPTION_KEYS.split(',')
let now = Number(NOW)

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 8, connectionTimeoutMillis: 1000 })
pool.on('error', () => {})
pool.on('connect', client => client.on('error', () => {}))
const storage = kyselyStorage(new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) }))

const app = Fastify({ logger: { level: 'trace' } })
await app.register(cookie)
await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false })
await app.register(twoFactor, {
  issuer: 'Acme',
  encryptionKeys,
  storage,
  getUser: request => request.session.user ?? null,
  clock: () => now,
  audit: true,
  rateLimit: false,
  // Each takes as long as a request.
  recoveryCodes: 5,
  storageTimeout: Number(STORAGE_TIMEOUT)
})
app.post<{ Params: { user: string } }>('/login/:user', async request => {
  const { user } = request.params
  request.session.user = { id: user, label: user }
  return { user }
})
app.get('/dashboard', { config: { twoFactor: true } }, async () => ({ dashboard: true }))

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

process.on('message', ({ id, order }: { id: number, order: Order }) => {
  obey(order)
    .then(result => process.send?.({ id, result }))
    .catch((error: unknown) => process.send?.({ id, error: String(error) }))
})
process.on('disconnect', () => process.exit())
process.send?.({ origin: await app.listen({ host: '127.0.0.1', port: 0 }) })
