import { sql, type RawBuilder } from 'kysely'
import type { Database } from '../dialects/dialect.js'
import type { SealedKind, TwoFactorStorage } from '../storage.js'
import { bytes } from './casts.js'

type SealedValues = Pick<TwoFactorStorage, 'countSealed' | 'listSealed' | 'replaceSealed'>

// The first bytes of a value tell its key.
const mark = sql<Uint8Array>`substring(s.value from 1 for 5)`

/** What is sealed, of all users: read and written in batches, for the rotation of keys. */
export function sealedValues (db: Database): SealedValues {
  return {
    async countSealed (kind) {
      const rows = await sql<{ mark: Uint8Array, count: number | string }>`
        select ${mark} as mark, count(*) as count from ${sealed(kind)} as s group by 1`.execute(db)
      return rows.rows.map(row => ({ mark: row.mark, count: Number(row.count) }))
    },

    async listSealed (kind, { exceptMark, after, limit }) {
      const { rows } = await sql<{ user_id: string, id: string, value: Uint8Array }>`
        select s.user_id, s.id, s.value from ${sealed(kind)} as s
        where ${mark} <> ${bytes(exceptMark)}
          ${after ? sql`and (s.user_id, s.id) > (${after.userId}, ${after.id})` : sql``}
        order by s.user_id, s.id limit ${sql.lit(limit)}`.execute(db)
      return rows.map(row => ({ userId: row.user_id, id: row.id, value: row.value }))
    },

    async replaceSealed (kind, values) {
      const rows = sql.join(values.map(({ userId, id, value, replacement }) =>
        sql`(cast(${userId} as text), cast(${id} as text), ${bytes(value)}, ${bytes(replacement)})`))
      const statement = kind === 'secrets'
        ? sql`update two_factor_authenticators as t set secret = v.replacement
            from (values ${rows}) as v (user_id, id, value, replacement)
            where t.user_id = v.user_id and t.id = v.id and t.secret = v.value`
        : sql`update two_factor_users as t set recovery_salt = v.replacement
            from (values ${rows}) as v (user_id, id, value, replacement)
            where t.user_id = v.user_id and t.recovery_salt = v.value`
      const { numAffectedRows = 0n } = await statement.execute(db)
      return Number(numAffectedRows)
    }
  }
}

function sealed (kind: SealedKind): RawBuilder<unknown> {
  return kind === 'secrets'
    ? sql`(select user_id, id, secret as value from two_factor_authenticators)`
    : sql`(select user_id, '' as id, recovery_salt as value from two_factor_users where recovery_salt is not null)`
}
