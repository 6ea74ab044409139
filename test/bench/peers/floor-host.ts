import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { Kysely, PostgresDialect, type CompiledQuery } from 'kysely'
import pg from 'pg'
import { kyselyStorage, prepareStatements, type TwoFactorDatabase } from '../../../plugin/index.js'
import { addLogin } from './login.js'

// The statements of a verify behind a bare route, or behind a session that gets a new id. No secret, no code checked.
const { DATABASE_URL, POOL_SIZE, FORM } = process.env
const pool = new pg.Pool({ connectionString: DATABASE_URL, max: Number(POOL_SIZE), idleTimeoutMillis: 0 })
const statements: CompiledQuery[] = []
const storage = kyselyStorage(new Kysely<TwoFactorDatabase>({
  dialect: new PostgresDialect({ pool: prepareStatements(pool) }),
  ...(FORM === 'pg' && { log: event => { statements.push(event.query) } })
}))
let step = Math.floor(Date.now() / 30_000)

/** What differs from one verify to the next. */
interface Verify {
  readonly userId: string
  readonly now: Date
  readonly until: Date
  readonly step: number
  readonly idHash: Buffer
  readonly fingerprint: Uint8Array
}

function verifyOf (userId: string): Verify {
  const now = new Date()
  return {
    userId,
    now,
    until: new Date(now.getTime() + 86_400_000),
    step: ++step,
    idHash: randomBytes(32),
    fingerprint: randomBytes(4)
  }
}

async function claimAlone ({ userId, now }: Verify): Promise<boolean> {
  const locks = [3600, 1920, 960, 480, 240, 120, 60].map((seconds, index) => ({
    count: 35 - 5 * index, until: new Date(now.getTime() + seconds * 1000)
  }))
  const { granted } = await storage.claimAttempt(userId, { now, method: 'authenticator', limit: 5, locks, disableAt: 100 })
  return granted
}

async function byKysely (verify: Verify): Promise<boolean> {
  const { userId, now, until, step, idHash, fingerprint } = verify
  const granted = await claimAlone(verify)
  const accepted = await storage.acceptStep(userId, {
    authenticatorId: 'phone',
    step,
    now,
    disabledAt: null,
    drift: 0,
    fingerprint,
    pass: { idHash, method: 'authenticator', passedAt: now, expiresAt: until }
  })
  return granted && accepted
}

/** The same statements, with what differs put in their places. */
async function recordedForm (): Promise<typeof byKysely> {
  const sample = verifyOf('nobody')
  await byKysely(sample)
  const keys = Object.keys(sample) as Array<keyof Verify>
  const [claim, accept] = statements.map(({ sql, parameters }) => {
    const places = parameters.map(parameter => keys.find(key => sample[key] === parameter))
    return (verify: Verify) =>
      pool.query(sql, places.map((key, index) => key === undefined ? parameters[index] : verify[key]))
  })
  return async verify => {
    const claimed = await claim?.(verify)
    const accepted = await accept?.(verify)
    return claimed?.rows[0]?.claimed === verify.userId && accepted?.rowCount === 1
  }
}

const run = FORM === 'pg' ? await recordedForm() : byKysely
const app = Fastify()
if (FORM === 'session') await addLogin(app)
app.post<{ Body: { user: string, right: boolean } }>('/verify', async (request, reply) => {
  const { body: { user, right } } = request
  const verify = verifyOf(FORM === 'session' ? request.session.user?.id ?? '' : user)
  if (!right) return reply.code(await claimAlone(verify) ? 401 : 429).send({ verified: false })
  const verified = await run(verify)
  if (FORM === 'session') {
    request.session.twoFactor = verify.idHash.toString('base64url')
    await request.session.regenerate(['user', 'twoFactor'])
  }
  return reply.code(verified ? 200 : 401).send({ verified })
})

process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.(process.cpuUsage()))
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
