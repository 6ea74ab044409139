import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify from 'fastify'
import { Kysely, PostgresDialect } from 'kysely'
import { setFlagsFromString, writeHeapSnapshot } from 'node:v8'
import { runInNewContext } from 'node:vm'
import pg from 'pg'
import twoFactor, { authenticatorApi, kyselyStorage, localVerifier, type TwoFactorDatabase } from '../../plugin/index.js'
import { listen } from '../faults/process.js'

// A host as a process of its own, whose memory is looked at: with the local verifier, and with a remote one.
const { DATABASE_URL, NOW = '', CHECKER_URL: url = '' } = process.env
let now = Number(NOW)
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: 4 })

const app = Fastify()
await app.register(cookie)
await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false })
const storage = kyselyStorage(new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) }))
for (const [prefix, verifier] of [['/local', localVerifier()], ['/remote', authenticatorApi({ url, allowHttp: true })]] as const) {
  await app.register(async scope => {
    await scope.register(twoFactor, {
      issuer: 'Acme',
      // In no variable, which would keep them.
      encryptionKeys: process.env.ENCRYPTION_KEYS?.split(',') ?? [],
      storage,
      prefix,
      verifier,
      getUser: request => request.session.user ?? null,
      clock: () => now,
      audit: true,
      trustedDevices: true,
      recoveryCodes: 5
    })
  })
}
app.post<{ Params: { user: string } }>('/login/:user', async request => {
  const { user } = request.params
  request.session.user = { id: user, label: `${user}@example.com` }
  return { user }
})

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** What the harness asks of it: the time, or the file where its memory is. */
export type HeapOrder = { readonly clock: number } | { readonly file: string }

listen(await app.listen({ host: '127.0.0.1', port: 0 }), async (order: HeapOrder) => {
  if ('clock' in order) {
    now = order.clock
    return
  }
  for (let round = 0; round < 5; round++) {
    await new Promise(resolve => setImmediate(resolve))
    collect()
  }
  writeHeapSnapshot(order.file)
})
