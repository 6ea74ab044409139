import type { FastifySessionOptions } from '@fastify/session'
import type { Session } from 'fastify'
import type { Kysely } from 'kysely'
import { createHash } from 'node:crypto'
import type { DemoDatabase } from './database.js'

type SessionStore = NonNullable<FastifySessionOptions['store']>

/** How long a session lives after it was last changed, in milliseconds. Visits alone do not extend it. */
export const sessionLifetime = 3_600_000

/**
 * Sessions in the database: they survive a restart, and every process sees them. The id is kept as a hash, so that a
 * copy of the table opens no session.
 */
export function sessionStore (db: Kysely<DemoDatabase>, clock: () => number): SessionStore {
  const key = (id: string) => createHash('sha256').update(id).digest()

  async function set (id: string, session: object): Promise<void> {
    const row = { data: JSON.stringify(session), expires_at: new Date(clock() + sessionLifetime) }
    await db.insertInto('demo_sessions')
      .values({ id_hash: key(id), ...row })
      .onConflict(conflict => conflict.column('id_hash').doUpdateSet(row))
      .execute()
    await db.deleteFrom('demo_sessions').where('expires_at', '<=', new Date(clock())).execute()
  }

  async function get (id: string): Promise<Session | null> {
    const row = await db.selectFrom('demo_sessions')
      .select('data')
      .where('id_hash', '=', key(id))
      .where('expires_at', '>', new Date(clock()))
      .executeTakeFirst()
    return row ? parse(row.data) : null
  }

  return {
    set (id, session, done) {
      set(id, session).then(() => done(), done)
    },
    get (id, done) {
      get(id).then(session => done(null, session), error => done(error))
    },
    destroy (id, done) {
      db.deleteFrom('demo_sessions').where('id_hash', '=', key(id)).execute().then(() => done(), done)
    }
  }
}

/** A row that cannot be read is no session: its user signs in again. */
function parse (data: string): Session | null {
  try {
    return JSON.parse(data) as Session
  } catch {
    return null
  }
}
