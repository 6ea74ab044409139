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
    text?: string
  }
}

// Apps of one process, so that nothing but what is registered tells them apart.
async function build (register?: (app: FastifyInstance) => unknown, text?: string): Promise<string> {
  const app = Fastify()
  await app.register(cookie)
  await app.register(session, {
    secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false
  })
  await register?.(app)
  app.post('/login', async request => {
    request.session.user = { id: 'ada', label: 'ada' }
    if (text !== undefined) request.session.text = text
    return {}
  })
  app.get('/dashboard', { config: { twoFactor: true } }, async request => ({ user: request.session.user?.id }))
  return app.listen({ host: '127.0.0.1', port: 0 })
}

const db = new Kysely<TwoFactorDatabase>({
  dialect: new PostgresDialect({ pool: new pg.Pool({ connectionString: process.env.DATABASE_URL }) })
})
await migrate(db)
const bare = await build()
// What no guard can do without: Fastify runs it, and the session holds as long a string as the plugin keeps there.
const hooked = await build(app => app.addHook('preHandler', (_request, _reply, done) => done()), 'x'.repeat(60))
const guarded = await build(app => app.register(twoFactor, {
  issuer: 'Bench',
  encryptionKeys: [randomBytes(32).toString('base64')],
  storage: kyselyStorage(db),
  getUser: request => request.session.user ?? null
}))
process.on('message', () => process.send?.(process.cpuUsage()))
process.send?.({ bare, hooked, guarded })
