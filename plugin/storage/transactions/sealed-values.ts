import { sql } from 'kysely'
import type { Decisions } from '../decisions.js'
import type { Database, Dialect } from '../dialects/dialect.js'
import type { SealedKind } from '../storage.js'
import { inTransaction } from '../transaction.js'

type SealedValues = Pick<Decisions, 'countSealed' | 'listSealed' | 'replaceSealed'>

/** What is sealed, of all users: read and written in batches, for the rotation of keys. */
export function sealedValues (db: Database, dialect: Dialect): SealedValues {
  return {
    async countSealed (kind) {
      const rows = await db.selectFrom(sealed(db, kind).as('s'))
        .select(eb => [mark.as('mark'), eb.fn.countAll<string | number>().as('count')])
        .groupBy('mark')
        .execute()
      return rows.map(row => ({ mark: row.mark, count: Number(row.count) }))
    },

    async listSealed (kind, { exceptMark, after, limit }) {
      const rows = await db.selectFrom(sealed(db, kind).as('s'))
        .select(['s.user_id', 's.id', 's.value'])
        .where(mark, '<>', exceptMark)
        .$if(after !== undefined, query => query.where(eb => eb.or([
          eb('s.user_id', '>', after?.userId ?? ''),
          eb.and([eb('s.user_id', '=', after?.userId ?? ''), eb('s.id', '>', after?.id ?? '')])
        ])))
        .orderBy('s.user_id')
        .orderBy('s.id')
        .limit(limit)
        .execute()
      return rows.map(row => ({ userId: row.user_id, id: row.id, value: row.value }))
    },

    replaceSealed: (kind, values) => inTransaction(db, dialect, async trx => {
      let replaced = 0
      for (const { userId, id, value, replacement } of values) {
        const { numUpdatedRows } = kind === 'secrets'
          ? await trx.updateTable('two_factor_authenticators')
            .set({ secret: replacement })
            .where('user_id', '=', userId)
            .where('id', '=', id)
            .where('secret', '=', value)
            .executeTakeFirst()
          : await trx.updateTable('two_factor_users')
            .set({ recovery_salt: replacement })
            .where('user_id', '=', userId)
            .where('recovery_salt', '=', value)
            .executeTakeFirst()
        replaced += Number(numUpdatedRows)
      }
      return replaced
    })
  }
}

// The first bytes of a value tell its key.
const mark = sql<Uint8Array>`substr(s.value, 1, 5)`

function sealed (db: Database, kind: SealedKind) {
  return kind === 'secrets'
    ? db.selectFrom('two_factor_authenticators').select(['user_id', 'id', 'secret as value'])
    : db.selectFrom('two_factor_users')
      .select(['user_id', sql<string>`''`.as('id'), sql<Uint8Array>`recovery_salt`.as('value')])
      .where('recovery_salt', 'is not', null)
}
