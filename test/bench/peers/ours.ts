import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import { Secret, TOTP } from 'otpauth'
import { sql } from 'kysely'
import { kyselyStorage, migrate } from '../../../plugin/index.js'
import type { PostgresServer } from '../../helpers/postgres.js'
import { enrolUsers } from '../verify.js'
import { longAgo, type Candidate, type Contestant, type Peer } from './contestant.js'
import { openDatabase, type MeasuredDatabase } from './database.js'
import { startHost, type Host } from './host.js'
import { createVisitor, type Visitor } from './visitor.js'

/** This package: one server, and the same with a second one beside it on the same database. */
export interface Ours {
  readonly one: Peer
  readonly two: Contestant
}

export async function startOurs (t: Pick<Test, 'teardown'>, postgres: PostgresServer): Promise<Ours> {
  const key = randomBytes(32).toString('base64')
  const { database, secrets } = await enrolledDatabase(t, postgres, key)
  const start = () => startHost(t, new URL('./our-host.ts', import.meta.url),
    { DATABASE_URL: database.url, ENCRYPTION_KEY: key })
  const [first, second] = [await start(), await start()]
  const clock = createClock([first, second])
  const signInOn = (hosts: readonly Host[]) => async () => {
    await clock.advance()
    return Promise.all([...secrets].map(async ([user, secret], index) =>
      candidate(await signIn(hosts[index % hosts.length]!, user), secret, clock.now)))
  }
  const name = 'fastify-authenticator-2fa'
  const one: Peer = {
    name,
    hosts: [first],
    database,
    signIn: signInOn([first]),
    async pass (count) {
      await clock.advance()
      return Promise.all([...secrets].slice(0, count).map(async ([user, secret]) => {
        const visitor = await signIn(first, user)
        await visitor.post('/2fa/verify', { code: codeAt(secret, clock.now()) })
        return { origin: first.origin, method: 'GET', path: '/dashboard', headers: visitor.headers() }
      }))
    },
    prepareSetups: count => Promise.all(Array.from({ length: count }, async () => {
      const visitor = await signIn(first, randomBytes(12).toString('hex'))
      return async () => {
        const { secret } = await visitor.post('/2fa/setup')
        await visitor.post('/2fa/setup/confirm', { code: codeAt(Secret.fromBase32(String(secret)), clock.now()) })
      }
    }))
  }
  return { one, two: { name: `${name}, two processes`, hosts: [first, second], database, signIn: signInOn([first, second]) } }
}

/** A migrated database of a contestant's own, with every user enrolled. */
export async function enrolledDatabase (
  t: Pick<Test, 'teardown'>, postgres: PostgresServer, key: string
): Promise<{ readonly database: MeasuredDatabase, readonly secrets: ReadonlyMap<string, Secret> }> {
  const database = await openDatabase(t, await postgres.createDatabase())
  await migrate(database.db)
  const secrets = await enrolUsers(kyselyStorage(database.db), key)
  await sql`vacuum analyze`.execute(database.db)
  return { database, secrets }
}

/** The clock that the servers share, which runs and is put ahead for each new round of codes. */
function createClock (hosts: readonly Host[]) {
  let ahead = 0
  return {
    now: () => Date.now() + ahead,
    async advance () {
      ahead += 90_000
      for (const host of hosts) await host.setAhead(ahead)
    }
  }
}

async function signIn ({ origin }: Host, user: string): Promise<Visitor> {
  const visitor = createVisitor(origin)
  await visitor.post(`/login/${user}`)
  return visitor
}

function candidate (visitor: Visitor, secret: Secret, now: () => number): Candidate {
  return {
    verify: right => ({
      origin: visitor.origin,
      method: 'POST',
      path: '/2fa/verify',
      headers: visitor.headers(),
      body: JSON.stringify({ code: codeAt(secret, right ? now() : now() - longAgo) })
    })
  }
}

function codeAt (secret: Secret, timestamp: number): string {
  return new TOTP({ secret }).generate({ timestamp })
}
