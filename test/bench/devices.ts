import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import { TOTP, type Secret } from 'otpauth'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { connect, startOwnPostgres } from '../helpers/postgres.js'
import { HttpClient, startServer } from '../helpers/process.js'
import { median, warmUp } from './rounds.js'
import { sendEach } from './send-each.js'
import { enrolUsers } from './verify.js'

const start = Date.parse('2026-01-01T00:00:00Z')

/** Sign-ins of trusted devices per second over HTTP on PostgreSQL, and the SQL statements of each. */
export async function benchDevices (rounds = 7): Promise<void> {
  const cleanups: Array<() => unknown> = []
  const t = { teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) } }
  try {
    const postgres = await startOwnPostgres(t, [
      'shared_preload_libraries=pg_stat_statements', 'pg_stat_statements.track_utility=on'
    ])
    const url = await postgres.createDatabase()
    const db = connect(t, url, 2)
    await migrate(db)
    await sql`create extension pg_stat_statements`.execute(db)
    const key = randomBytes(32).toString('base64')
    const secrets = await enrolUsers(kyselyStorage(db), key)
    const environment = { DATABASE_URL: url, ENCRYPTION_KEY: key, NOW: String(start), RATE_LIMIT: 'off' }
    const { origin, setClock } = await startServer(t, environment)

    let now = start + 60_000
    await setClock(now)
    const devices = await trustAll(origin, secrets, now)
    await sql`vacuum analyze`.execute(db)

    const speeds: number[] = []
    const statements: number[] = []
    for (let round = -warmUp; round < rounds; round++) {
      now += 60_000
      await setClock(now)
      const clients = await signInAll(origin, devices)
      await sql`select pg_stat_statements_reset()`.execute(db)
      const speed = await passAll(origin, clients, devices)
      const { rows: [counted] } = await sql<{ calls: string }>`
        select sum(calls) as calls from pg_stat_statements where query ilike '%two_factor%' or query ilike 'begin%'
          or query ilike 'commit%'`.execute(db)
      if (round < 0) continue
      speeds.push(speed)
      statements.push(Number(counted?.calls) / devices.size)
    }
    console.log(`\nTrusted devices over HTTP on PostgreSQL, ${devices.size} users in turn, 20 connections\n`)
    console.log(`  ${Math.round(median(speeds)).toLocaleString('en')} passes/s, ` +
      `${median(statements).toFixed(2)} SQL statements each, ${Math.max(...statements).toFixed(2)} at most`)
    if (Math.max(...statements) > 1) throw new Error('A pass by a trusted device took more than one statement')
  } finally {
    for (const cleanup of cleanups) await cleanup()
  }
}

/** The cookie of each user's device. */
async function trustAll (origin: string, secrets: Map<string, Secret>, now: number): Promise<Map<string, string>> {
  return new Map(await Promise.all([...secrets].map(async ([userId, secret]) => {
    const client = new HttpClient(origin)
    await client.post(`/login/${userId}`)
    await client.post('/2fa/verify', { code: new TOTP({ secret }).generate({ timestamp: now }), trustDevice: true })
    return [userId, deviceCookie(client.cookie)] as const
  })))
}

function deviceCookie (cookies: string): string {
  const [cookie] = /two-factor-device=[^;]+/.exec(cookies) ?? []
  if (!cookie) throw new Error('There is no trusted device')
  return cookie
}

interface SignedIn {
  readonly userId: string
  readonly cookie: string
}

/** Sessions with the password alone. */
async function signInAll (origin: string, devices: Map<string, string>): Promise<SignedIn[]> {
  return Promise.all([...devices].map(async ([userId, device]) => {
    const client = new HttpClient(origin)
    await client.post(`/login/${userId}`)
    return { userId, cookie: `${client.cookie}; ${device}` }
  }))
}

/** Sends one guarded request of each, and keeps the cookies that come back. @returns Requests per second. */
async function passAll (origin: string, clients: SignedIn[], devices: Map<string, string>): Promise<number> {
  let next = 0
  const sent = await sendEach(origin, clients.length, {
    path: '/dashboard',
    setupRequest (request, context) {
      const client = clients[next++ % clients.length] as SignedIn
      Object.assign(context, { userId: client.userId })
      return { ...request, headers: { cookie: client.cookie } }
    },
    onResponse (_status, _body, context, headers) {
      devices.set((context as SignedIn).userId, deviceCookie(JSON.stringify(headers)))
    }
  })
  const answered = sent.answered(200)
  if (answered !== clients.length) throw new Error(`${answered} of ${clients.length} passed`)
  return sent.perSecond
}
