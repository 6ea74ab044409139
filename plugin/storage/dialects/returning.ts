import type { Dialect, UserRow } from './dialect.js'

/** What PostgreSQL and SQLite have in common: RETURNING, and ON CONFLICT with a condition. */
export const returning: Pick<Dialect, 'change' | 'enable' | 'enableNew' | 'putEvents' | 'deleteEvents'> = {
  change: (_trx, _userId, change, columns) =>
    change.returning(columns).executeTakeFirst() as Promise<UserRow | undefined>,

  async enable (trx, userId, at, recovery) {
    const enabled = { enabled_at: at, failed_attempts: 0, locked_until: null, disabled_at: null, ...recovery }
    const user = await trx.insertInto('two_factor_users')
      .values({ user_id: userId, created_at: at, ...enabled })
      .onConflict(conflict => conflict.column('user_id')
        .doUpdateSet(eb => ({ ...enabled, generation: eb('two_factor_users.generation', '+', 1) }))
        .where('two_factor_users.enabled_at', 'is', null))
      .returning('generation')
      .executeTakeFirst()
    return user?.generation
  },

  async enableNew (trx, users) {
    const rows = await trx.insertInto('two_factor_users')
      .values(users.map(({ userId, at, salt }) =>
        ({ user_id: userId, enabled_at: at, recovery_salt: salt, created_at: at })))
      .onConflict(conflict => conflict.column('user_id').doNothing())
      .returning('user_id')
      .execute()
    return rows.map(row => row.user_id)
  },

  async putEvents (db, events) {
    await db.insertInto('two_factor_events')
      .values(events)
      .onConflict(conflict => conflict.columns(['user_id', 'id']).doUpdateSet(eb => ({
        type: eb.ref('excluded.type'), detail: eb.ref('excluded.detail')
      })))
      .execute()
  },

  async deleteEvents (db, until, limit) {
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
