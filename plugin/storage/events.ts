import type { QueryCreator } from 'kysely'
import type { Database } from './rows.js'
import type { TwoFactorDatabase, TwoFactorEventsTable } from './schema.js'
import type { StoredEvent, TwoFactorStorage } from './storage.js'

type Events = Pick<TwoFactorStorage, 'recordEvents' | 'findEvents' | 'pruneEvents'>

/** The audit table. What changes a user writes its events in its own statement or transaction. */
export function events (db: Database): Events {
  return {
    async recordEvents (userId, events) {
      await insertEvents(db, userId, events)
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

    async pruneEvents (until, limit) {
      const { numDeletedRows } = await db.deleteFrom('two_factor_events')
        .where(eb => eb(eb.refTuple('user_id', 'id'), 'in', eb.selectFrom('two_factor_events')
          .select(['user_id', 'id'])
          .where('at', '<', until)
          .limit(limit)
          .$asTuple('user_id', 'id')))
        .executeTakeFirst()
      return Number(numDeletedRows)
    }
  }
}

/** In the transaction of what they record. One that is there already is changed to what it turned out to be. */
export async function insertEvents (
  db: QueryCreator<TwoFactorDatabase>, userId: string, events: readonly StoredEvent[] = []
): Promise<void> {
  if (events.length === 0) return
  await db.insertInto('two_factor_events')
    .values(events.map(event => toEventRow(userId, event)))
    .onConflict(conflict => conflict.columns(['user_id', 'id']).doUpdateSet(eb => ({
      type: eb.ref('excluded.type'), detail: eb.ref('excluded.detail')
    })))
    .execute()
}

function toEventRow (userId: string, { id, type, at, ip, detail }: StoredEvent): TwoFactorEventsTable {
  return { user_id: userId, id, type, at, ip, detail }
}
