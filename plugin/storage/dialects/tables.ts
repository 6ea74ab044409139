import { sql, type ColumnDefinitionBuilder, type Kysely, type RawBuilder } from 'kysely'
import { dialectOf } from './detect.js'
import type { TableTypes } from './dialect.js'

/** A column that a later version adds to a table. */
export interface AddedColumn {
  readonly name: string
  readonly type: TableTypes['text']
  readonly build?: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder
}

const asItIs = (column: ColumnDefinitionBuilder) => column

/** The types of columns in this database. */
export function tableTypes (db: Kysely<unknown>): Promise<TableTypes> {
  return dialectOf(db).types(db)
}

/** Begins a table, unless it is there. */
export function createTable (db: Kysely<unknown>, name: string, options: RawBuilder<unknown> | undefined) {
  const table = db.schema.createTable(name).ifNotExists()
  return options ? table.modifyEnd(options) : table
}

/** Adds those columns that are not there. A migration that was killed among them is done again. */
export async function addColumns (db: Kysely<unknown>, table: string, columns: readonly AddedColumn[]): Promise<void> {
  if (dialectOf(db).oneStatement) {
    const [first, ...others] = columns.map(({ name, type, build = asItIs }) =>
      [name, type, (column: ColumnDefinitionBuilder) => build(column.ifNotExists())] as const)
    if (!first) return
    await others.reduce((alter, column) => alter.addColumn(...column), db.schema.alterTable(table).addColumn(...first))
      .execute()
    return
  }
  const there = await columnsOf(db, table)
  for (const { name, type, build = asItIs } of columns.filter(({ name }) => !there.includes(name))) {
    await db.schema.alterTable(table).addColumn(name, type, build).execute()
  }
}

/** Takes those columns away that are there. */
export async function dropColumns (db: Kysely<unknown>, table: string, columns: readonly string[]): Promise<void> {
  if (dialectOf(db).oneStatement) {
    for (const column of columns) {
      await sql`alter table if exists ${sql.table(table)} drop column if exists ${sql.ref(column)}`.execute(db)
    }
    return
  }
  const there = await columnsOf(db, table)
  for (const column of columns.filter(name => there.includes(name))) {
    await db.schema.alterTable(table).dropColumn(column).execute()
  }
}

async function columnsOf (db: Kysely<unknown>, table: string): Promise<string[]> {
  const tables = await db.introspection.getTables()
  return tables.find(({ name }) => name === table)?.columns.map(({ name }) => name) ?? []
}
