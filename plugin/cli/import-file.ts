import { CsvError, parse } from 'csv-parse'
import type { Readable } from 'node:stream'
import type { ImportedSecret } from '../service/imported-secret.js'

export type ImportFormat = 'csv' | 'ndjson'

/** A line of an import: a secret and whose it is, or why it is none. A problem never repeats what the line has. */
export type ImportLine =
  | { readonly line: number, readonly userId: string, readonly imported: ImportedSecret }
  | { readonly line: number, readonly problem: string }

/** What lines leave out. */
export type ImportDefaults = Partial<Pick<ImportedSecret, 'encoding' | 'kind'>>

/** The file as a whole cannot be read as what it should be. The message has nothing of its content. */
export class FileFormatError extends Error {}

const fields = ['user_id', 'secret', 'encoding', 'kind', 'name', 'algorithm', 'digits', 'period'] as const
type Field = typeof fields[number]
const known = `${fields.slice(0, -1).join(', ')} and ${fields.at(-1)}`

// In characters. A line without an end would else be read into memory as a whole.
const maxLine = 65_536

/**
 * Reads a file line by line, as it comes: CSV (RFC 4180) with a header, or one JSON object a line.
 *
 * @throws {FileFormatError}
 */
export async function * readImportFile (
  content: Readable, format: ImportFormat, defaults: ImportDefaults = {}
): AsyncGenerator<ImportLine> {
  for await (const { line, values } of format === 'csv' ? readCsv(content) : readNdjson(content)) {
    yield typeof values === 'string' ? { line, problem: values } : { line, ...toSecret(values, defaults) }
  }
}

interface RawLine {
  readonly line: number
  /** Or what is wrong with it. */
  readonly values: Readonly<Record<string, unknown>> | string
}

async function * readCsv (content: Readable): AsyncGenerator<RawLine> {
  const parser = parse({
    bom: true, info: true, relax_column_count: true, skip_empty_lines: true, max_record_size: maxLine
  })
  content.once('error', error => parser.destroy(error))
  let header: readonly Field[] | undefined
  try {
    for await (const { record, info } of content.pipe(parser) as AsyncIterable<CsvRow>) {
      if (header === undefined) header = checkHeader(record)
      else yield { line: info.lines, values: toValues(header, record) }
    }
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const { code, lines } = error as CsvError & { readonly lines?: number }
    // Where the next line begins is not known from here on. The parser's own message has what it stumbled over.
    throw new FileFormatError(code === 'CSV_MAX_RECORD_SIZE'
      ? `a line after line ${lines ?? 0} has more than ${maxLine} characters, or a quote that is not closed`
      : `line ${lines ?? 0} is no CSV: check its quotes. What is before it was read`)
  }
  if (header === undefined) throw new FileFormatError('it has no header')
}

interface CsvRow {
  readonly record: readonly string[]
  readonly info: { readonly lines: number }
}

/** Names no column that it does not know: without a header, the first line has a secret. */
function checkHeader (record: readonly string[]): Field[] {
  const header = record.map(name => name.trim().toLowerCase())
  for (const [index, name] of header.entries()) {
    if (!isField(name)) throw new FileFormatError(`column ${index + 1} of the header is none of ${known}`)
    if (header.indexOf(name) !== index) throw new FileFormatError(`the header has ${name} twice`)
  }
  for (const name of ['user_id', 'secret']) {
    if (!header.includes(name)) throw new FileFormatError(`the header lacks ${name}`)
  }
  return header as Field[]
}

function toValues (header: readonly Field[], record: readonly string[]): RawLine['values'] {
  if (record.length !== header.length) return `it has ${record.length} fields, and the header has ${header.length}`
  // An empty field is as good as none.
  return Object.fromEntries(header.map((name, index) => [name, record[index] || undefined]))
}

async function * readNdjson (content: Readable): AsyncGenerator<RawLine> {
  for await (const { line, text } of readLines(content)) {
    if (text === undefined) yield { line, values: `it has more than ${maxLine} characters` }
    else if (text.trim() !== '') yield { line, values: parseObject(text) }
  }
}

async function * readLines (
  content: Readable
): AsyncGenerator<{ readonly line: number, readonly text: string | undefined }> {
  let [line, rest, tooLong] = [1, '', false]
  for await (const chunk of content.setEncoding('utf8') as AsyncIterable<string>) {
    const [first = '', ...others] = chunk.split('\n')
    rest += first
    for (const next of others) {
      yield { line: line++, text: tooLong || rest.length > maxLine ? undefined : rest }
      rest = next
      tooLong = false
    }
    if (rest.length > maxLine) [rest, tooLong] = ['', true]
  }
  yield { line, text: tooLong ? undefined : rest }
}

function parseObject (text: string): RawLine['values'] {
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''))
  } catch {
    // The parser's own message has a part of the line.
    return 'it is not JSON'
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not a JSON object'
  if (!Object.keys(value).every(isField)) return `it has a key that is none of ${known}`
  return value as Record<string, unknown>
}

function isField (name: string): name is Field {
  return (fields as readonly string[]).includes(name)
}

type Content = { readonly userId: string, readonly imported: ImportedSecret } | { readonly problem: string }

// What neither a database nor a page takes.
const unprintable = /[\p{Cc}\p{Cs}]/u

function toSecret (values: Readonly<Record<string, unknown>>, defaults: ImportDefaults): Content {
  // Whole numbers are what many an id is, and what digits and period are in JSON.
  const given = Object.entries({ ...defaults, ...present(values) })
    .map(([name, value]): [string, unknown] => [name, Number.isSafeInteger(value) ? String(value) : value])
  const [wrong] = given.find(([, value]) => typeof value !== 'string') ?? []
  if (wrong !== undefined) return { problem: `${wrong} must be a string` }
  const { user_id: userId = '', secret = '', name, digits, period, ...rest } = Object.fromEntries(given) as Partial<Record<Field, string>>
  if (userId === '' || userId.length > 1024 || unprintable.test(userId)) return { problem: 'user_id must be 1 to 1024 printable characters' }
  if (secret === '') return { problem: 'secret is missing' }
  if (name !== undefined && (name.length > 64 || unprintable.test(name))) return { problem: 'name must be up to 64 printable characters' }
  return {
    userId,
    imported: {
      secret,
      ...rest,
      ...(name !== undefined && { name }),
      ...(digits !== undefined && { digits: Number(digits) }),
      ...(period !== undefined && { period: Number(period) })
    } as ImportedSecret
  }
}

function present (values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined && value !== null))
}
