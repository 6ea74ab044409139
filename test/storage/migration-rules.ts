import { sql, type Kysely, type RawBuilder } from 'kysely'
import type { Migration } from '../../plugin/storage/migrations/migration.js'

interface Shape {
  /** By table: which file its rows are in. Another one after a change means that each row was written anew. */
  readonly files: ReadonlyMap<string, string>
  /** By table and name, what a column is. */
  readonly columns: ReadonlyMap<string, string>
  /** By table and name: indexes, keys and checks. */
  readonly constraints: ReadonlyMap<string, string>
}

const own = sql`relnamespace = current_schema()::regnamespace and relkind in ('r', 'p') and relname like 'two\\_factor\\_%'`

async function mapOf (
  db: Kysely<unknown>, query: RawBuilder<{ key: string, value: string }>
): Promise<Map<string, string>> {
  const { rows } = await query.execute(db)
  return new Map(rows.map(({ key, value }) => [key, value]))
}

async function shapeOf (db: Kysely<unknown>): Promise<Shape> {
  return {
    files: await mapOf(db, sql`select relname as key, cast(relfilenode as text) as value from pg_class where ${own}`),
    columns: await mapOf(db, sql`
      select concat(relname, '.', attname) as key, concat(format_type(atttypid, atttypmod), case when attnotnull then ' not null' end,
        ' default ' || pg_get_expr(adbin, adrelid)) as value
      from pg_attribute join pg_class c on c.oid = attrelid left join pg_attrdef on adrelid = attrelid and adnum = attnum
      where ${own} and attnum > 0 and not attisdropped`),
    constraints: await mapOf(db, sql`
      select concat(relname, '.', conname) as key, pg_get_constraintdef(k.oid) as value
      from pg_constraint k join pg_class c on c.oid = conrelid where ${own} and contype <> 'n'
      union all
      select concat(c.relname, '.', i.relname), pg_get_indexdef(i.oid)
      from pg_index join pg_class c on c.oid = indrelid join pg_class i on i.oid = indexrelid
      where c.relnamespace = current_schema()::regnamespace and c.relname like 'two\\_factor\\_%'`)
  }
}

const tableOf = (key: string) => key.slice(0, key.indexOf('.'))

/**
 * Makes a migration, and says how it breaks the rules of CONTRIBUTING.md: that the version before goes on with the
 * tables, that no row is written, and that each shard can have its part.
 */
export async function breachesOf<Database> (host: Kysely<Database>, migration: Migration): Promise<string[]> {
  const db = host as Kysely<unknown>
  const before = await shapeOf(db)
  await migration.up(db)
  const after = await shapeOf(db)
  const wasThere = (key: string) => before.files.has(tableOf(key))
  const added = (of: 'columns' | 'constraints') => [...after[of]].filter(([key]) => !before[of].has(key))
  return [
    ...[...before.files].filter(([table, file]) => after.files.get(table) !== file).map(([table]) => `${table} is written anew, or gone`),
    ...[...before.columns].filter(([key, type]) => after.columns.get(key) !== type).map(([key]) => `${key} is another column, or gone`),
    ...[...before.constraints].filter(([key, is]) => after.constraints.get(key) !== is).map(([key]) => `${key} is another one, or gone`),
    ...added('columns').filter(([key, type]) => wasThere(key) && / not null$/.test(type)).map(([key]) => `${key} has no default`),
    ...added('constraints').filter(([key]) => wasThere(key)).map(([key]) => `${key} is new on a table that may be large`),
    ...added('constraints').filter(([, is]) => /^FOREIGN KEY/.test(is)).map(([key]) => `${key} is a foreign key`),
    ...added('constraints').filter(([, is]) => /^PRIMARY KEY|^UNIQUE|^CREATE UNIQUE/.test(is) && !/^[^(]*\(user_id\b/.test(is))
      .map(([key]) => `${key} does not begin with user_id`)
  ]
}
