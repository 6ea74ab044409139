import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { PostgresServer } from '../../helpers/postgres.js'
import type { Candidate, Contestant } from './contestant.js'
import { startHost } from './host.js'
import { enrolledDatabase } from './ours.js'
import { createVisitor } from './visitor.js'

const names = {
  pg: 'the statements alone, through pg',
  kysely: 'the statements alone, through Kysely',
  session: 'the same behind a session with a new id'
}

/** The statements of a verify behind a bare route, through `pg` or Kysely, and through Kysely behind a session. */
export async function startFloor (
  t: Pick<Test, 'teardown'>, postgres: PostgresServer, form: keyof typeof names
): Promise<Contestant> {
  const { database, secrets } = await enrolledDatabase(t, postgres, randomBytes(32).toString('base64'))
  const host = await startHost(t, new URL('./floor-host.ts', import.meta.url), { DATABASE_URL: database.url, FORM: form })
  const { origin } = host
  const candidate = (user: string, headers: Record<string, string>): Candidate => ({
    verify: right => ({ origin, method: 'POST', path: '/verify', headers, body: JSON.stringify({ user, right }) })
  })
  return {
    name: names[form],
    hosts: [host],
    database,
    signIn: () => Promise.all([...secrets.keys()].map(async user => {
      const visitor = createVisitor(origin)
      if (form === 'session') await visitor.post(`/login/${user}`)
      return candidate(user, visitor.headers())
    }))
  }
}
