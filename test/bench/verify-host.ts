import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import twoFactor, { kyselyStorage, type TwoFactorDatabase } from '../../plugin/index.js'

declare module 'fastify' {
  interface Session {
    user?: { id: string, label: string } | null
  }
}

// Its clock stands still but for what the bench tells it, so that each round has codes of its own.
const { DATABASE_URL, ENCRYPTION_KEY = '' } = process.env
let now = Date.parse('2026-01-01T00:00:00Z')
process.on('message', message => {
  now = Number(message)
  process.send?.('set')
})

const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 10 })
const app = Fastify()
await app.register(cookie)
await app.register(session, {
  secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false
})
await app.register(twoFactor, {
  issuer: 'Bench',
  encryptionKeys: [ENCRYPTION_KEY],
  storage: kyselyStorage(new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) })),
  getUser: request => request.session.user ?? null,
  clock: () => now,
  rateLimit: false
})
app.post<{ Params: { user: string } }>('/login/:user', async request => {
  request.session.user = { id: request.params.user, label: request.params.user }
  return {}
})

process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
