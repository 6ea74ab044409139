import type { TableRows } from './rows.js'

/** A row, and whether it was not there before as it is. */
export interface ComparedRow {
  readonly columns: Readonly<Record<string, string>>
  readonly fresh: boolean
}

/** The rows of a table beside what they were on the page before. */
export interface ComparedRows extends Pick<TableRows, 'table' | 'count'> {
  /** How many there were. */
  readonly before: number
  readonly rows: readonly ComparedRow[]
  /** Whether what is in them may not be seen. */
  readonly hidden: boolean
}

/** What a page has shown. */
export type Snapshot = ReadonlyMap<string, {
  readonly count: number
  /** `undefined` if they were not to be seen. */
  readonly rows: ReadonlySet<string> | undefined
}>

export function snapshotOf (tables: readonly TableRows[]): Snapshot {
  return new Map(tables.map(({ table, count, rows }) => [table, { count, rows: rows && new Set(rows.map(textOf)) }]))
}

/** Tells what has changed. Without a page before, nothing has. */
export function compare (tables: readonly TableRows[], previous: Snapshot = snapshotOf(tables)): ComparedRows[] {
  return tables.map(({ table, count, rows }) => {
    const before = previous.get(table) ?? { count: 0, rows: undefined }
    // Of rows that were not to be seen there is only the number. The newest come first.
    const isFresh = (columns: ComparedRow['columns'], index: number) =>
      before.rows ? !before.rows.has(textOf(columns)) : index < count - before.count
    return {
      table,
      count,
      before: before.count,
      rows: (rows ?? []).map((columns, index) => ({ columns, fresh: isFresh(columns, index) })),
      hidden: rows === undefined
    }
  })
}

function textOf (columns: Readonly<Record<string, string>>): string {
  return JSON.stringify(columns)
}
