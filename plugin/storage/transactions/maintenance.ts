import type { Decisions } from '../decisions.js'
import type { Database, Dialect } from '../dialects/dialect.js'
import { toRow } from '../rows.js'
import type { ImportedEnrolment, StoredEvent } from '../storage.js'
import { inTransaction } from '../transaction.js'

type Maintenance = Pick<Decisions, 'enableAll' | 'setKindOfAll' | 'pruneExpired' | 'countTotals'>

/** What looks at many users: for the command line, in batches. */
export function maintenance (db: Database, dialect: Dialect): Maintenance {
  return {
    enableAll: enrolments => inTransaction(db, dialect, async trx => {
      if (enrolments.length === 0) return { enabled: new Set(), known: new Set() }
      const sorted = enrolments.toSorted(byUser)
      const enabled = new Set(await dialect.enableNew(trx, sorted.map(toUser)))
      const added = sorted.filter(({ userId }) => enabled.has(userId))
      if (added.length > 0) {
        await trx.insertInto('two_factor_authenticators')
          .values(added.map(({ userId, authenticator }) => toRow(userId, authenticator)))
          .execute()
      }
      await insertEvents(trx, added)
      const others = sorted.filter(({ userId }) => !enabled.has(userId))
      return { enabled, known: await knownOf(trx, others) }
    }),

    setKindOfAll: (kind, users) => inTransaction(db, dialect, async trx => {
      const counts = new Map<string, number>()
      for (const { userId } of users.toSorted(byUser)) {
        const { numUpdatedRows } = await trx.updateTable('two_factor_authenticators')
          .set({ kind })
          .where('user_id', '=', userId)
          .where('kind', '<>', kind)
          .executeTakeFirst()
        if (numUpdatedRows > 0n) counts.set(userId, Number(numUpdatedRows))
      }
      await insertEvents(trx, users.filter(({ userId }) => counts.has(userId)))
      return counts
    }),

    async pruneExpired (table, { now, after, limit }) {
      const name = `two_factor_${table}` as const
      const page = db.selectFrom(name)
        .select('user_id')
        .$if(after !== undefined, query => query.where('user_id', '>', after ?? ''))
        .orderBy('user_id')
        .limit(limit)
      const row = await db.selectFrom(page.as('page')).select(eb => eb.fn.max('user_id').as('last')).executeTakeFirst()
      const last = row?.last ?? undefined
      if (last === undefined) return { deleted: 0, last }
      const deleted = await inTransaction(db, dialect, async trx => {
        const { numDeletedRows } = await trx.deleteFrom(name)
          .$if(after !== undefined, query => query.where('user_id', '>', after ?? ''))
          .where('user_id', '<=', last)
          .where('expires_at', '<=', now)
          .executeTakeFirst()
        return Number(numDeletedRows)
      })
      return { deleted, last }
    },

    async countTotals (now) {
      const users = await db.selectFrom('two_factor_users')
        .select(eb => [
          eb.fn.countAll<string | number>().as('enabled'),
          eb.fn.count<string | number>('disabled_at').as('disabled'),
          eb.fn.count<string | number>(eb.case().when('locked_until', '>', now).then(1).end()).as('locked')
        ])
        .where('enabled_at', 'is not', null)
        .executeTakeFirstOrThrow()
      const kinds = await db.selectFrom('two_factor_authenticators')
        .select(eb => ['kind', eb.fn.countAll<string | number>().as('count')])
        .groupBy('kind')
        .orderBy('kind')
        .execute()
      return {
        enabled: Number(users.enabled),
        locked: Number(users.locked),
        disabled: Number(users.disabled),
        authenticators: Object.fromEntries(kinds.map(({ kind, count }) => [kind, Number(count)]))
      }
    }
  }
}

// All in one order, so that two of them wait for each other and do not meet in a circle.
const byUser = (one: { readonly userId: string }, other: { readonly userId: string }) =>
  one.userId < other.userId ? -1 : 1

const toUser = ({ userId, authenticator, salt }: ImportedEnrolment) => ({ userId, at: authenticator.createdAt, salt })

/** Those of the users who have this authenticator already. */
async function knownOf (db: Database, enrolments: readonly ImportedEnrolment[]): Promise<Set<string>> {
  if (enrolments.length === 0) return new Set()
  const rows = await db.selectFrom('two_factor_authenticators')
    .select(['user_id', 'id'])
    .where('user_id', 'in', enrolments.map(({ userId }) => userId))
    .execute()
  const ids = new Map(enrolments.map(({ userId, authenticator }) => [userId, authenticator.id]))
  return new Set(rows.filter(row => ids.get(row.user_id) === row.id).map(row => row.user_id))
}

async function insertEvents (
  db: Database, users: ReadonlyArray<{ readonly userId: string, readonly event?: StoredEvent | undefined }>
): Promise<void> {
  const rows = users.flatMap(({ userId, event }) => event ? [{ user_id: userId, ...event }] : [])
  if (rows.length > 0) await db.insertInto('two_factor_events').values(rows).execute()
}
