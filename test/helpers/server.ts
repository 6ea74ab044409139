import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import twoFactor, { authenticatorApi, kyselyStorage, localVerifier, type TwoFactorDatabase } from '../../plugin/index.js'
import { otherDialect } from './other-dialects.js'

// A host as a process of its own, on the database and the clock that its environment names.
const { DATABASE_URL, ENCRYPTION_KEY = '', NOW = '', AUTHENTICATOR_API: url, RATE_LIMIT } = process.env
let now = Number(NOW)
process.on('message', message => {
  now = Number(message)
  process.send?.('set')
})

process.on('disconnect', () => process.exit())

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10, connectionTimeoutMillis: 10_000 })
pool.on('error', () => {})
pool.on('connect', client => client.on('error', () => {}))
pool.on('connect', client => client.on('error', () => {}))
const db = new Kysely<TwoFactorDatabase>({ dialect: await otherDialect(DATABASE_URL) ?? new PostgresDialect({ pool }) })

const app = Fastify()
await app.register(cookie)
await app.register(session, {
  secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false
})
await app.register(twoFactor, {
  issuer: 'Acme',
  encryptionKeys: [ENCRYPTION_KEY],
  storage: kyselyStorage(db),
  getUser: request => request.session.user ?? null,
  verifier: url ? authenticatorApi({ url, allowHttp: true }) : localVerifier(),
  clock: () => now,
  trustedDevices: true,
  // As many as a test sends at once: each takes as long as a request.
  recoveryCodes: 8,
  ...(RATE_LIMIT === 'off' && { rateLimit: false }),
  // Here it is counted, not timed: a thousand requests at once may take their time on a small machine.
  storageTimeout: 10_000
})
app.post<{ Params: { user: string } }>('/login/:user', async request => {
  const { user } = request.params
  request.session.user = { id: user, label: user }
  return { user }
})
app.get('/dashboard', { config: { twoFactor: true } }, async () => ({ dashboard: true }))
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
