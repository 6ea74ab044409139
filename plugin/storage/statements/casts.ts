import { sql, type Expression, type RawBuilder } from 'kysely'

/** A parameter where PostgreSQL cannot tell its type from the place that it stands in. */
export function timestamp (value: Date | Expression<Date>): RawBuilder<Date> {
  return sql<Date>`cast(${value} as timestamptz)`
}

/** Likewise. */
export function bytes (value: Uint8Array): RawBuilder<Uint8Array> {
  return sql<Uint8Array>`cast(${value} as bytea)`
}
