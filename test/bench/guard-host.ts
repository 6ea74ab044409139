import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import twoFactor, { kyselyStorage, migrate, type TwoFactorDatabase } from '../../plugin/index.js'

// One process for each contestant: the same route, with the session alone or behind the guard.
const guarded = process.argv[2] === 'guarded'

const app = Fastify()
await app.register(cookie)
await app.register(session, {
  secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false
})
if (guarded) {
  const db = new Kysely<TwoFactorDatabase>({
    dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: process.env.DATABASE_URL }) })
  })
  await migrate(db)
  await app.register(twoFactor, {
    issuer: 'Bench',
    encryptionKeys: [randomBytes(32).toString('base64')],
    storage: kyselyStorage(db),
    getUser: request => request.session.user ?? null
  })
}
app.post('/login', async request => {
  request.session.user = { id: 'ada', label: 'ada' }
  return {}
})
app.get('/dashboard', guarded ? { config: { twoFactor: true } } : {}, async request => ({ user: request.session.user?.id }))

declare module 'fastify' {
  interface Session {
    user?: { id: string, label: string } | null
  }
}

process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
