import { randomBytes } from 'node:crypto'
import { TOTP, Secret } from 'otpauth'
import { sql } from 'kysely'
import { createKeyRing } from '../../plugin/secrets/key-ring.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { connect, startOwnPostgres } from '../helpers/postgres.js'
import { HttpClient, startServer } from '../helpers/process.js'
import { median, warmUp } from './rounds.js'
import { sendEach } from './send-each.js'

const users = 400
const start = Date.parse('2026-01-01T00:00:00Z')

/** Verifies per second over HTTP on PostgreSQL, and the SQL statements of each as the server counts them. */
export async function benchVerify (rounds = 7): Promise<void> {
  const cleanups: Array<() => unknown> = []
  const t = { teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) } }
  try {
    const postgres = await startOwnPostgres(t, ['shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.track_utility=on'])
    const url = await postgres.createDatabase()
    const db = connect(t, url, 2)
    await migrate(db)
    await sql`create extension pg_stat_statements`.execute(db)
    const key = randomBytes(32).toString('base64')
    const secrets = await enrolUsers(kyselyStorage(db), key)
    await sql`vacuum analyze`.execute(db)

    const environment = { DATABASE_URL: url, ENCRYPTION_KEY: key, NOW: String(start), RATE_LIMIT: 'off' }
    const { origin, setClock } = await startServer(t, environment)

    const measured = { right: [] as number[], wrong: [] as number[] }
    const statements = { right: [] as number[], wrong: [] as number[] }
    let now = start
    for (let round = -warmUp; round < rounds; round++) {
      for (const kind of ['wrong', 'right'] as const) {
        now += 60_000
        await setClock(now)
        const requests = await signInAll(origin, secrets, now, kind === 'right')
        await sql`select pg_stat_statements_reset()`.execute(db)
        const speed = await load(origin, requests, kind === 'right' ? 200 : 401)
        const { rows: [counted] } = await sql<{ calls: string }>`
          select sum(calls) as calls from pg_stat_statements where query ilike '%two_factor%' or query ilike 'begin%'
            or query ilike 'commit%'`.execute(db)
        if (round >= 0) {
          measured[kind].push(speed)
          statements[kind].push(Number(counted?.calls) / users)
        }
      }
    }
    console.log(`\nVerifies over HTTP on PostgreSQL, ${users} users in turn, 20 connections\n`)
    for (const kind of ['right', 'wrong'] as const) {
      console.log(`  ${kind} code: ${Math.round(median(measured[kind])).toLocaleString('en')} verifies/s, ` +
        `${median(statements[kind]).toFixed(2)} SQL statements each`)
    }
  } finally {
    for (const cleanup of cleanups) await cleanup()
  }
}

export async function enrolUsers (
  storage: ReturnType<typeof kyselyStorage>, key: string, kind = 'local'
): Promise<Map<string, Secret>> {
  const ring = createKeyRing([key])
  const secrets = new Map<string, Secret>()
  for (let index = 0; index < users; index++) {
    const userId = `user-${index}`
    const secret = new Secret({ size: 20 })
    secrets.set(userId, secret)
    await storage.enable(userId, {
      authenticator: {
        id: 'phone',
        kind,
        name: 'Phone',
        secret: ring.seal('authenticator-secret', [userId, 'phone'], secret.bytes),
        keyEncoding: 'base32',
        algorithm: 'SHA1',
        digits: 6,
        period: 30,
        lastStep: 0,
        createdAt: new Date(start),
        lastUsedAt: null
      },
      pass: { idHash: randomBytes(32), method: 'setup', passedAt: new Date(start), expiresAt: new Date(start) },
      recoveryCodes: { salt: randomBytes(60), hashes: Array.from({ length: 10 }, () => randomBytes(16)) }
    })
  }
  return secrets
}

interface Verify {
  readonly cookie: string
  readonly body: string
}

async function signInAll (
  origin: string, secrets: Map<string, Secret>, now: number, right: boolean
): Promise<Verify[]> {
  return Promise.all([...secrets].map(async ([userId, secret]) => {
    const client = new HttpClient(origin)
    await client.post(`/login/${userId}`)
    const timestamp = right ? now : now - 3_600_000
    return { cookie: client.cookie, body: JSON.stringify({ code: new TOTP({ secret }).generate({ timestamp }) }) }
  }))
}

/** Sends each request once. @returns Requests per second. */
async function load (origin: string, requests: Verify[], expected: 200 | 401): Promise<number> {
  let next = 0
  const sent = await sendEach(origin, requests.length, {
    method: 'POST',
    path: '/2fa/verify',
    setupRequest (request) {
      const { cookie, body } = requests[next++ % requests.length] as Verify
      return { ...request, headers: { cookie, 'content-type': 'application/json' }, body }
    }
  })
  const answered = sent.answered(expected)
  // A wrong code can be right by chance, once in some 300,000.
  if (answered < requests.length - 1) throw new Error(`${answered} of ${requests.length} answered ${expected}`)
  return sent.perSecond
}
