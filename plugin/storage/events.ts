import type { Database, Dialect } from './dialects/dialect.js'
import type { StoredEvent, TwoFactorStorage } from './storage.js'

type Events = Pick<TwoFactorStorage, 'recordEvents' | 'findEvents' | 'pruneEvents'>

/** The audit table. What changes a user writes its events in its own statement or transaction. */
export function events (db: Database, dialect: Dialect): Events {
  return {
    async recordEvents (userId, events) {
      await putEvents(db, dialect, userId, events)
    },

    async findEvents (userId, { before, limit }) {
      const rows = await db.selectFrom('two_factor_events')
        .select(['id', 'type', 'at', 'ip', 'detail'])
        .where('user_id', '=', userId)
        .$if(before !== undefined, query => query.where('id', '<', before ?? ''))
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
      return rows
    },

    pruneEvents: (until, limit) => dialect.deleteEvents(db, until, limit)
  }
}

/** In the transaction of what they record. One that is there already is changed to what it turned out to be. */
export async function putEvents (
  db: Database, dialect: Dialect, userId: string, events: readonly StoredEvent[] = []
): Promise<void> {
  if (events.length === 0) return
  const rows = events.map(({ id, type, at, ip, detail }) => ({ user_id: userId, id, type, at, ip, detail }))
  await dialect.putEvents(db, rows)
}
