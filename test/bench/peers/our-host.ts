import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import twoFactor, { kyselyStorage, prepareStatements, type TwoFactorDatabase } from '../../../plugin/index.js'
import { addLogin } from './login.js'

// A host with the defaults of the package and prepared statements, without limits for each address.
const { DATABASE_URL, POOL_SIZE, ENCRYPTION_KEY = '' } = process.env
let ahead = 0

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(POOL_SIZE), idleTimeoutMillis: 0 })
prepareStatements(pool)
const app = Fastify()
await addLogin(app)
await app.register(twoFactor, {
  issuer: 'Bench',
  encryptionKeys: [ENCRYPTION_KEY],
  storage: kyselyStorage(new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) })),
  getUser: request => request.session.user ?? null,
  rateLimit: false,
  // A code is taken once, and a bench cannot wait for the next one.
  clock: () => Date.now() + ahead
})
app.get('/dashboard', { config: { twoFactor: true } }, async request => ({ user: request.session.user?.id }))

process.on('disconnect', () => process.exit())
process.on('message', message => {
  if (typeof message === 'number') ahead = message
  process.send?.(process.cpuUsage())
})
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
