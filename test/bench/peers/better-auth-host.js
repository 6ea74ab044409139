import { betterAuth } from 'better-auth'
import { getMigrations } from 'better-auth/db/migration'
import { fromNodeHeaders } from 'better-auth/node'
import { twoFactor } from 'better-auth/plugins'
import Fastify from 'fastify'
import { PostgresDialect } from 'kysely'
import pg from 'pg'

// The peer, on Fastify as its own guide has it. It is copied into a folder that has Better Auth, and runs there.
const { DATABASE_URL, POOL_SIZE, PORT, COOKIE_CACHE, BETTER_AUTH_SECRET } = process.env
const origin = `http://127.0.0.1:${PORT}`
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(POOL_SIZE), idleTimeoutMillis: 0 })

const auth = betterAuth({
  baseURL: origin,
  secret: BETTER_AUTH_SECRET,
  // Given as a dialect it takes fewer statements than as a pool: no transaction around the one that uses up a challenge.
  database: { dialect: new PostgresDialect({ pool }), type: 'postgres' },
  emailAndPassword: {
    enabled: true,
    // The hash of the password is no part of what is measured.
    password: { hash: async password => password, verify: async ({ hash, password }) => hash === password }
  },
  session: { cookieCache: { enabled: COOKIE_CACHE === 'on', maxAge: 300 } },
  rateLimit: { enabled: false },
  logger: { disabled: true },
  telemetry: { enabled: false },
  experimental: { instrumentation: { enabled: false } },
  // A session and its user in one statement, instead of two.
  advanced: { database: { joins: true } },
  plugins: [twoFactor({ issuer: 'Bench' })]
})
await (await getMigrations(auth.options)).runMigrations()

const app = Fastify()
app.route({
  method: ['GET', 'POST'],
  url: '/api/auth/*',
  async handler (request, reply) {
    const response = await auth.handler(new Request(new URL(request.url, origin), {
      method: request.method,
      headers: fromNodeHeaders(request.headers),
      ...(request.body && { body: JSON.stringify(request.body) })
    }))
    reply.status(response.status)
    response.headers.forEach((value, key) => reply.header(key, value))
    return reply.send(response.body ? await response.text() : null)
  }
})
app.get('/dashboard', async (request, reply) => {
  const session = await auth.api.getSession({ headers: fromNodeHeaders(request.headers) })
  if (!session) return reply.code(401).send({ error: 'Unauthorized' })
  return { user: session.user.id }
})

process.on('disconnect', () => process.exit())
process.on('message', () => process.send(process.cpuUsage()))
process.send(await app.listen({ host: '127.0.0.1', port: Number(PORT) }))
