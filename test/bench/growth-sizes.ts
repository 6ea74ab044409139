import { sql, type Kysely } from 'kysely'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { userTables } from './growth-users.js'

/** A table, without its indexes, or an index. */
export interface Part {
  readonly name: string
  /** The table that it is, or is an index of. */
  readonly table: string
  /** Bytes on disk, divided by the number of users. */
  readonly bytesPerUser: number
}

/** What the tables and the indexes of users take, the largest first. Run VACUUM before. */
export async function measureParts (db: Kysely<TwoFactorDatabase>, users: number): Promise<Part[]> {
  const { rows } = await sql<{ name: string, table: string, bytes: string }>`
    select c.relname as name, coalesce(i.indrelid, c.oid)::regclass::text as table, pg_table_size(c.oid) as bytes
    from pg_class c left join pg_index i on i.indexrelid = c.oid
    where c.relkind in ('r', 'i') and c.relnamespace = current_schema()::regnamespace
      and coalesce(i.indrelid, c.oid) in (${sql.join(userTables.map(table => sql`${table}::regclass`))})
    order by pg_table_size(c.oid) desc`.execute(db)
  return rows.map(({ name, table, bytes }) => ({ name, table, bytesPerUser: Number(bytes) / users }))
}

/** How many updates of a table there were, and how many of them stayed on their page (HOT). */
export interface Updates {
  readonly table: string
  readonly updates: number
  readonly hot: number
}

/** What PostgreSQL has counted since {@link resetUpdates}. Connections that are open tell it a second late, or more. */
export async function countUpdates (db: Kysely<TwoFactorDatabase>): Promise<Updates[]> {
  await sql`select pg_stat_force_next_flush()`.execute(db)
  const { rows } = await sql<{ table: string, updates: string, hot: string }>`
    select relname as table, n_tup_upd as updates, n_tup_hot_upd as hot from pg_stat_user_tables
    where relname like 'two_factor_%' and n_tup_upd > 0 order by relname`.execute(db)
  return rows.map(({ table, updates, hot }) => ({ table, updates: Number(updates), hot: Number(hot) }))
}

export async function resetUpdates (db: Kysely<TwoFactorDatabase>): Promise<void> {
  await sql`select pg_stat_reset()`.execute(db)
}
