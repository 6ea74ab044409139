import { randomBytes } from 'node:crypto'
import Fastify from 'fastify'
import { Kysely, PostgresDialect, type CompiledQuery } from 'kysely'
import pg from 'pg'
import { kyselyStorage, prepareStatements, type TwoFactorDatabase } from '../../../plugin/index.js'

// The two statements of a verify behind a bare route: no session, no secret, no check of the code.
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
  readonly idHash: Uint8Array
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

async function byKysely ({ userId, now, until, step, idHash, fingerprint }: Verify): Promise<boolean> {
  const locks = [3600, 1920, 960, 480, 240, 120, 60].map((seconds, index) => ({
    count: 35 - 5 * index, until: new Date(now.getTime() + seconds * 1000)
  }))
  const claim = await storage.claimAttempt(userId, { now, method: 'authenticator', limit: 5, locks, disableAt: 100 })
  const accepted = await storage.acceptStep(userId, {
    authenticatorId: 'phone',
    step,
    now,
    disabledAt: null,
    drift: 0,
    fingerprint,
    pass: { idHash, method: 'authenticator', passedAt: now, expiresAt: until }
  })
  return claim.granted && accepted
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
app.post<{ Body: { user: string } }>('/verify', async (request, reply) => {
  const verified = await run(verifyOf(request.body.user))
  return reply.code(verified ? 200 : 401).send({ verified })
})

process.on('disconnect', () => process.exit())
process.on('message', () => process.send?.(process.cpuUsage()))
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
