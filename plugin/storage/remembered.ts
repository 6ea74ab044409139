import type { CompiledQuery, DialectAdapter, QueryResult } from 'kysely'
import type { Database } from './dialects/dialect.js'

interface Compilable<Row> {
  compile: () => CompiledQuery<Row>
  execute: () => Promise<Row[]>
}

interface Remembered {
  readonly query: CompiledQuery
  /** Which of the given values each parameter is; -1 for one that is the same each time. */
  readonly places: readonly number[]
}

// By the adapter, of which each instance of Kysely has one, also in its transactions.
const remembered = new WeakMap<DialectAdapter, Map<string, Remembered>>()

const names = new Map<string, string>()

/** The name that a statement is prepared under: there are as many as there are shapes. */
export function preparedName (statement: string): string | undefined {
  return names.get(statement)
}

/**
 * Runs a statement that is built and compiled once for each of its shapes: that takes a tenth of a sign-in (`npm run
 * bench:peers`). A plugin of the host may make of a statement what it likes each time, so with one nothing is kept.
 *
 * @param shape - Names the statement, and all that it is built by beside `values`.
 * @param values - What its parameters are. One that is `null` or `undefined` is part of the shape.
 * @param build - Builds the statement. It is given stand-ins for the values, and may use them as parameters alone.
 */
export async function runRemembered<Values, Row> (
  db: Database, shape: string, values: Values, build: (values: Values) => Compilable<Row>
): Promise<Row[]> {
  const { adapter, plugins } = db.getExecutor()
  if (plugins.length > 0) return build(values).execute()

  const statements = remembered.get(adapter) ?? new Map<string, Remembered>()
  remembered.set(adapter, statements)
  const given: unknown[] = []
  const key = shape + describe(values, given)
  const { query, places } = statements.get(key) ?? compile(values, build)
  if (!statements.has(key)) statements.set(key, { query, places })

  const parameters = query.parameters.map((constant, index) => given[places[index]!] ?? constant)
  const { rows } = await db.executeQuery({ ...query, parameters }) as QueryResult<Row>
  return rows
}

function compile<Values> (values: Values, build: (values: Values) => Compilable<unknown>): Remembered {
  const standIns: unknown[] = []
  const query = build(standIn(values, standIns) as Values).compile()
  if (!names.has(query.sql)) names.set(query.sql, `two_factor_${names.size}`)
  return { query, places: query.parameters.map(parameter => standIns.indexOf(parameter)) }
}

/** Collects the values, and says where there are some. */
function describe (value: unknown, given: unknown[]): string {
  if (value === undefined) return '-'
  if (value === null) return '0'
  if (isValue(value)) {
    given.push(value)
    return '?'
  }
  let shape = '{'
  for (const [name, part] of Object.entries(value as object)) shape += `${name}${describe(part, given)},`
  return `${shape}}`
}

/** The same, with an object in the place of each value, in the same order. */
function standIn (value: unknown, standIns: unknown[]): unknown {
  if (value === undefined || value === null) return value
  if (isValue(value)) {
    const one = Object.freeze({})
    standIns.push(one)
    return one
  }
  if (Array.isArray(value)) return value.map(part => standIn(part, standIns))
  return Object.fromEntries(Object.entries(value as object).map(([name, part]) => [name, standIn(part, standIns)]))
}

function isValue (value: unknown): boolean {
  return typeof value !== 'object' || value instanceof Date || ArrayBuffer.isView(value)
}
