import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import session from '@fastify/session'
import { PGlite } from '@electric-sql/pglite'
import Fastify from 'fastify'
import twoFactor, { kyselyStorage, migrate } from 'fastify-authenticator-2fa'
import { Kysely, PostgresDialect } from 'kysely'
import { PGliteDialect } from 'kysely-pglite-dialect'
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import pg from 'pg'

declare module 'fastify' {
  interface Session { userId?: string }
}

// Your database. Without DATABASE_URL it is one in memory, to try things out.
const { DATABASE_URL, SESSION_SECRET, TWO_FACTOR_KEY, PORT = '3000' } = process.env
const pool = DATABASE_URL ? new pg.Pool({ connectionString: DATABASE_URL, connectionTimeoutMillis: 2000 }) : undefined
pool?.on('error', console.error)
pool?.on('connect', client => client.on('error', console.error))
const db = new Kysely<unknown>({ dialect: pool ? new PostgresDialect({ pool }) : new PGliteDialect(new PGlite()) })
await migrate(db)

// Your sessions. Keep both secrets outside the code: with new ones at each start, nobody stays signed in.
const app = Fastify()
await app.register(cookie)
await app.register(formbody)
await app.register(session, {
  secret: SESSION_SECRET ?? randomBytes(32).toString('hex'),
  cookie: { secure: 'auto', sameSite: 'lax' },
  saveUninitialized: false
})

// The plugin. It asks you who is signed in, and brings its own pages under /2fa.
await app.register(twoFactor, {
  issuer: 'Session App',
  encryptionKeys: [TWO_FACTOR_KEY ?? randomBytes(32).toString('base64')],
  storage: kyselyStorage(db),
  getUser: ({ session }) => users.find(({ id }) => id === session.userId) ?? null,
  loginUrl: '/login',
  defaultRedirect: '/dashboard'
})

// Your users and your login, which know nothing of two-factor.
const credentials = {
  type: 'object',
  required: ['email', 'password'],
  properties: { email: { type: 'string' }, password: { type: 'string', maxLength: 200 } }
}
const salt = randomBytes(16)
const users = [{ id: '1', label: 'ada@example.com', hash: scryptSync('correct horse battery staple', salt, 32) }]
app.get('/login', async (_request, reply) => reply.type('text/html').send(`<!doctype html><title>Sign in</title>
<form method="post"><input name="email" type="email"><input name="password" type="password"><button>Sign in</button></form>`))
app.post<{ Body: { email: string, password: string } }>('/login', { schema: { body: credentials } }, async (request, reply) => {
  const hash = scryptSync(request.body.password, salt, 32)
  const user = users.find(user => user.label === request.body.email && timingSafeEqual(user.hash, hash))
  if (!user) return reply.code(401).send({ message: 'Wrong e-mail or password' })
  await request.session.regenerate()
  request.session.userId = user.id
  return reply.redirect('/dashboard', 303)
})

// Signing out ends the pass first, so that no session that comes back has passed.
app.post('/logout', async (request, reply) => {
  await request.twoFactor.end()
  await request.session.destroy()
  return reply.redirect('/login', 303)
})

// Your routes. The config of each says what it asks of the second factor.
app.get('/dashboard', { config: { twoFactor: true } }, async request => ({
  dashboard: true, passed: request.twoFactor.verified
}))
app.post('/transfer', { config: { twoFactor: { maxAge: 300 } } }, async () => ({ sent: true }))

console.log(`Listening at ${await app.listen({ port: Number(PORT) })}: sign in at /login, set up at /2fa/setup`)
