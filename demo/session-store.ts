import type { FastifySessionOptions } from '@fastify/session'
import type { Kysely } from 'kysely'
import { createHash } from 'node:crypto'
import type { DemoDatabase } from './database.js'

type SessionStore = NonNullable<FastifySessionOptions['store']>

/** How long a session lives without a visit, in milliseconds. */
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

  async function get (id: string): Promise<string | undefined> {
    const row = await db.selectFrom('demo_sessions')
      .select('data')
      .where('id_hash', '=', key(id))
      .where('expires_at', '>', new Date(clock()))
      .executeTakeFirst()
    return row?.data
  }

  return {
    set (id, session, done) {
      set(id, session).then(() => done(), done)
    },
    get (id, done) {
      get(id).then(data => done(null, data === undefined ? null : JSON.parse(data)), error => done(error))
    },
    destroy (id, done) {
      db.deleteFrom('demo_sessions').where('id_hash', '=', key(id)).execute().then(() => done(), done)
    }
  }
}
