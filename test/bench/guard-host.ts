import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify, { type FastifyInstance } from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import { randomBytes } from 'node:crypto'
import pg from 'pg'
import twoFactor, { kyselyStorage, migrate, type TwoFactorDatabase } from '../../plugin/index.js'

declare module 'fastify' {
  interface Session {
    user?: { id: string, label: string } | null
  }
}

// Two apps of one process, so that nothing but the plugin tells them apart.
async function build (register?: (app: FastifyInstance) => unknown): Promise<string> {
  const app = Fastify()
  await app.register(cookie)
  await app.register(session, {
    secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false
  })
  await register?.(app)
  app.post('/login', async request => {
    request.session.user = { id: 'ada', label: 'ada' }
    return {}
  })
  const config = register && { config: { twoFactor: true } }
  app.get('/dashboard', { ...config }, async request => ({ user: request.session.user?.id }))
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const db = new Kysely<TwoFactorDatabase>({
  dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: process.env.DATABASE_URL }) })
})
await migrate(db)
const bare = await build()
const guarded = await build(app => app.register(twoFactor, {
  issuer: 'Bench',
  encryptionKeys: [randomBytes(32).toString('base64')],
  storage: kyselyStorage(db),
  getUser: request => request.session.user ?? null
}))
process.on('message', () => process.send?.(process.cpuUsage()))
process.send?.({ bare, guarded })
