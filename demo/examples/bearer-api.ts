import { PGlite } from '@electric-sql/pglite'
import Fastify from 'fastify'
import twoFactor, { bearerProof, kyselyStorage, migrate, type TwoFactorUser } from 'fastify-authenticator-2fa'
import { Kysely, PostgresDialect } from 'kysely'
import { PGliteDialect } from 'kysely-pglite-dialect'
import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import pg from 'pg'

// Your database. Without DATABASE_URL it is one in memory, to try things out.
const { DATABASE_URL, TWO_FACTOR_KEY, PORT = '3000' } = process.env
const pool = DATABASE_URL ? new pg.Pool({ connectionString: DATABASE_URL, connectionTimeoutMillis: 2000 }) : undefined
pool?.on('error', console.error)
pool?.on('connect', client => client.on('error', console.error))
const db = new Kysely<unknown>({ dialect: pool ? new PostgresDialect({ pool }) : new PGliteDialect(new PGlite()) })
await migrate(db)

// Your users and your tokens. A JWT does as well: verify it where this looks the token up.
const salt = randomBytes(16)
const users = [{ id: '1', label: 'ada@example.com', hash: scryptSync('correct horse battery staple', salt, 32) }]
const tokens = new Map<string, TwoFactorUser>()

// The plugin. The proof of the second factor is a second token, which is worth nothing without the first.
const app = Fastify()
await app.register(twoFactor, {
  issuer: 'Bearer API',
  encryptionKeys: [TWO_FACTOR_KEY ?? randomBytes(32).toString('base64')],
  storage: kyselyStorage(db),
  proof: bearerProof(),
  getUser: ({ headers }) => tokens.get(headers.authorization?.replace(/^Bearer /i, '') ?? '') ?? null,
  pages: false
})

// Your login, which knows nothing of two-factor.
const credentials = {
  type: 'object',
  required: ['email', 'password'],
  properties: { email: { type: 'string' }, password: { type: 'string', maxLength: 200 } }
}
app.post<{ Body: { email: string, password: string } }>('/token', { schema: { body: credentials } }, async ({ body }, reply) => {
  const hash = scryptSync(body.password, salt, 32)
  const user = users.find(user => user.label === body.email && timingSafeEqual(user.hash, hash))
  if (!user) return reply.code(401).send({ message: 'Wrong e-mail or password' })
  const token = randomBytes(32).toString('base64url')
  tokens.set(token, user)
  return { token }
})

// Your routes. The config of each says what it asks of the second factor.
app.get('/me', { config: { twoFactor: true } }, async request => ({ passed: request.twoFactor.verified }))
app.post('/transfer', { config: { twoFactor: { maxAge: 300 } } }, async () => ({ sent: true }))

console.log(`Listening at ${await app.listen({ port: Number(PORT) })}: POST /token, then POST /2fa/setup`)
