import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import type { PostgresServer } from '../../helpers/postgres.js'
import type { Contestant } from './contestant.js'
import { startHost } from './host.js'
import { enrolledDatabase } from './ours.js'

/** The two statements of a verify behind a bare route, through `pg` or through Kysely. */
export async function startFloor (
  t: Pick<Test, 'teardown'>, postgres: PostgresServer, form: 'pg' | 'kysely'
): Promise<Contestant> {
  const { database, secrets } = await enrolledDatabase(t, postgres, randomBytes(32).toString('base64'))
  const host = await startHost(t, new URL('./floor-host.ts', import.meta.url), { DATABASE_URL: database.url, FORM: form })
  const candidates = [...secrets.keys()].map(user => ({
    verify: () => ({
      origin: host.origin,
      method: 'POST' as const,
      path: '/verify',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ user })
    })
  }))
  return {
    name: `the two statements alone, through ${form === 'pg' ? 'pg' : 'Kysely'}`,
    hosts: [host],
    database,
    signIn: async () => candidates
  }
}
