import { sql, type Kysely } from 'kysely'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'

export const partitions = 16

/** The tables of the package that hold users, also those of later migrations. */
export async function userTables (db: Kysely<TwoFactorDatabase>): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select relname as name from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p')
      and relname like 'two\\_factor\\_%' and relname not like 'two\\_factor\\_migrations%' and not relispartition
    order by oid`.execute(db)
  return rows.map(({ name }) => name)
}

/**
 * Divides each table by the hash of the user id, as a cluster of shards does. PostgreSQL refuses that, as those do, for
 * a table with a primary or unique key that does not have the user id in it.
 */
export async function partitionTables (db: Kysely<TwoFactorDatabase>): Promise<void> {
  for (const table of await userTables(db)) {
    const whole = sql.table(`${table}_whole`)
    await sql`alter table ${sql.table(table)} rename to ${sql.ref(`${table}_whole`)}`.execute(db)
    await sql`create table ${sql.table(table)} (like ${whole} including defaults including constraints including indexes)
      partition by hash (user_id)`.execute(db)
    for (let partition = 0; partition < partitions; partition++) {
      await sql`create table ${sql.table(`${table}_shard_${partition}`)} partition of ${sql.table(table)}
        for values with (modulus ${sql.lit(partitions)}, remainder ${sql.lit(partition)})`.execute(db)
    }
    await sql`insert into ${sql.table(table)} select * from ${whole}`.execute(db)
    await sql`drop table ${whole}`.execute(db)
  }
}

/** Where the rows of a user are. */
export async function partitionOf (db: Kysely<TwoFactorDatabase>, userId: string): Promise<number> {
  const { rows } = await sql<{ partition: number }>`
    select partition from generate_series(0, ${sql.lit(partitions - 1)}) as partition
    where satisfies_hash_partition('two_factor_users'::regclass, ${sql.lit(partitions)}, partition, cast(${userId} as text))`.execute(db)
  const [row] = rows
  if (!row || rows.length > 1) throw new Error(`${rows.length} partitions are said to have ${userId}`)
  return row.partition
}
