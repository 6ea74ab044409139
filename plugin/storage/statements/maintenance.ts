import { sql } from 'kysely'
import type { Database } from '../dialects/dialect.js'
import { toRow } from '../rows.js'
import type { ExpiringTable, ImportedEnrolment, StoredEvent, TwoFactorStorage } from '../storage.js'
import { timestamp } from './casts.js'

type Maintenance = Pick<TwoFactorStorage, 'enableAll' | 'setKindOfAll' | 'pruneExpired' | 'countTotals'>

/** What looks at many users: for the command line, in batches. */
export function maintenance (db: Database): Maintenance {
  return {
    async enableAll (enrolments) {
      // One parameter: with one for each value, the parser has more to do than the tables.
      const rows = JSON.stringify(enrolments.map(toJson))
      const { rows: enabled } = await insertAll(rows).execute(db)
      const ids = new Set(enabled.map(row => row.user_id))
      if (ids.size === enrolments.length) return { enabled: ids, known: new Set() }
      const { rows: known } = await sql<{ user_id: string }>`
        select a.user_id from two_factor_authenticators as a
        join json_to_recordset(cast(${rows} as json)) as given (user_id text, id text)
          on a.user_id = given.user_id and a.id = given.id`.execute(db)
      return { enabled: ids, known: new Set(known.map(row => row.user_id).filter(id => !ids.has(id))) }
    },

    async setKindOfAll (kind, users) {
      const rows = JSON.stringify(users.map(({ userId, event }) => ({ user_id: userId, ...toEventJson(event) })))
      const { rows: moved } = await sql<{ user_id: string }>`
        with given as (
          select * from json_to_recordset(cast(${rows} as json)) as given (
            user_id text, event_id text, event_type text, event_at timestamptz, event_detail text)),
        moved as (
          update two_factor_authenticators as a set kind = ${kind} from given as g
          where a.user_id = g.user_id and a.kind <> ${kind} returning a.user_id),
        recorded as (
          insert into two_factor_events (user_id, id, type, at, detail)
          select user_id, event_id, event_type, event_at, event_detail from given
          where event_id is not null and user_id in (select user_id from moved))
        select user_id from moved`.execute(db)
      const counts = new Map<string, number>()
      for (const { user_id: userId } of moved) counts.set(userId, (counts.get(userId) ?? 0) + 1)
      return counts
    },

    async pruneExpired (table, { now, after, limit }) {
      // By the primary key, a part at a time: a look for what ran out would begin at the same rows each time.
      const name = sql.table(`two_factor_${table}`)
      const isAfter = after === undefined ? sql`true` : sql`user_id > ${after}`
      const { rows: [row] } = await sql<{ last: string | null }>`
        select max(user_id) as last
        from (select user_id from ${name} where ${isAfter} order by user_id limit ${sql.lit(limit)}) as page`.execute(db)
      const last = row?.last ?? undefined
      if (last === undefined) return { deleted: 0, last }
      const key = sql.join(keys[table].map(column => sql.ref(column)))
      const { numAffectedRows = 0n } = await sql`
        delete from ${name} where (${key}) in (
          select ${key} from ${name} where ${isAfter} and user_id <= ${last} and expires_at <= ${timestamp(now)}
          for update skip locked)`.execute(db)
      return { deleted: Number(numAffectedRows), last }
    },

    async countTotals (now) {
      const { rows: [users] } = await sql<Record<'enabled' | 'locked' | 'disabled', string | number>>`
        select count(*) as enabled, count(*) filter (where locked_until > ${timestamp(now)}) as locked,
          count(disabled_at) as disabled
        from two_factor_users where enabled_at is not null`.execute(db)
      const kinds = await db.selectFrom('two_factor_authenticators')
        .select(eb => ['kind', eb.fn.countAll<string | number>().as('count')])
        .groupBy('kind')
        .orderBy('kind')
        .execute()
      return {
        enabled: Number(users?.enabled),
        locked: Number(users?.locked),
        disabled: Number(users?.disabled),
        authenticators: Object.fromEntries(kinds.map(({ kind, count }) => [kind, Number(count)]))
      }
    }
  }
}

const keys: Readonly<Record<ExpiringTable, readonly string[]>> = {
  passes: ['user_id', 'id_hash'],
  used_codes: ['user_id', 'authenticator_id', 'fingerprint'],
  trusted_devices: ['user_id', 'id']
}

function toJson ({ userId, authenticator, salt, event }: ImportedEnrolment): Record<string, unknown> {
  return {
    ...toRow(userId, authenticator),
    secret: Buffer.from(authenticator.secret).toString('hex'),
    salt: Buffer.from(salt).toString('hex'),
    ...toEventJson(event)
  }
}

function toEventJson (event: StoredEvent | undefined): Record<string, unknown> {
  return event ? { event_id: event.id, event_type: event.type, event_at: event.at, event_detail: event.detail } : {}
}

/** The user's row comes first, and what belongs to it only if it is new. */
function insertAll (rows: string) {
  return sql<{ user_id: string }>`
    with given as (
      select * from json_to_recordset(cast(${rows} as json)) as given (
        user_id text, id text, kind text, name text, secret text, key_encoding text, algorithm text, digits integer,
        period integer, last_step bigint, created_at timestamptz, salt text, event_id text, event_type text,
        event_at timestamptz, event_detail text)),
    enabled as (
      insert into two_factor_users (user_id, enabled_at, recovery_salt, created_at)
      select user_id, created_at, decode(salt, 'hex'), created_at from given order by user_id
      on conflict (user_id) do nothing returning user_id),
    added as (
      insert into two_factor_authenticators (
        user_id, id, kind, name, secret, key_encoding, algorithm, digits, period, last_step, created_at)
      select g.user_id, g.id, g.kind, g.name, decode(g.secret, 'hex'), g.key_encoding, g.algorithm, g.digits, g.period,
        g.last_step, g.created_at
      from given as g join enabled using (user_id)),
    recorded as (
      insert into two_factor_events (user_id, id, type, at, detail)
      select g.user_id, g.event_id, g.event_type, g.event_at, g.event_detail
      from given as g join enabled using (user_id) where g.event_id is not null)
    select user_id from enabled`
}
