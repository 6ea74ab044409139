import { availableParallelism, cpus } from 'node:os'
import { readFileSync, writeFileSync } from 'node:fs'
import { userCount } from './contestant.js'
import { poolSize } from './host.js'
import type { Comparison, Row } from './scenarios.js'

/** Everything that was measured in one run. The first row of each is this package. */
export interface Findings {
  readonly version: string
  readonly rounds: number
  /** This package, Better Auth, and the statements alone through Kysely. So are those of wrong codes. */
  readonly right: Comparison
  readonly wrong: Comparison
  readonly guarded: Comparison
  readonly setups: Comparison
  /** This package, the statements alone through Kysely, the same behind a session, and through `pg`. */
  readonly floor: readonly Row[]
  readonly processes: readonly Row[]
}

const page = new URL('../../../docs/performance.md', import.meta.url)
const marks = ['<!-- bench:peers -->', '<!-- /bench:peers -->'] as const

/** The findings as Markdown. */
export function report (findings: Findings): string {
  const { version, rounds, right, wrong, guarded, setups, floor, processes } = findings
  return [
    wrapped(`Better Auth ${version}, Node.js ${process.version}, ${availableParallelism()} cores of ${cpus()[0]?.model ?? 'an unknown CPU'}, ` +
      `load and PostgreSQL on the same machine; ${userCount} users, ${poolSize} connections for each server; medians of ${rounds} rounds.`),
    '### A right code', ...compared(right), ceiling(right),
    '### A wrong code', ...compared(wrong), ceiling(wrong),
    '### A guarded request', ...compared(guarded),
    '### Setting up', ...compared(setups),
    '### Against the floor', floorTable(floor), costOfSession(floor),
    '### Two processes', processesTable(processes), bounds(processes)
  ].join('\n\n')
}

/** What the package set out to reach, and how far it came. */
export function goals ({ right, wrong, guarded, floor, processes }: Findings): string {
  const reached = ([ours, other]: readonly Row[]) => times(ours, other)
  return [
    ['a right code, times Better Auth', 8, reached(right.rows)],
    ['a wrong code, times Better Auth', 12, reached(wrong.rows)],
    ['a guarded request, times Better Auth', 5, reached(guarded.rows)],
    ['a right code, times the floor through Kysely', 0.8, reached(floor)],
    ['two processes, times one', 1.7, reached(processes.toReversed())]
  ].map(([name, goal, ratio]) => `${name}: ${ratio} (goal: ${goal})`).join('\n')
}

/** Replaces what docs/performance.md has between the marks. */
export function writeReport (text: string): void {
  const before = readFileSync(page, 'utf8')
  const [start, end] = marks.map(mark => before.indexOf(mark)) as [number, number]
  if (start === -1 || end < start) throw new Error(`docs/performance.md has no ${marks.join(' … ')}`)
  writeFileSync(page, `${before.slice(0, start + marks[0].length)}\n\n${text}\n\n${before.slice(end)}`)
}

function compared ({ rows, rate, sample }: Comparison): string[] {
  const [ours] = rows
  const head = ['', 'per second', 'ours to it', 'CPU of the server', 'of PostgreSQL', 'SQL statements', 'p50', 'p99']
  return [
    table(head, rows.map(row => [
      row.name,
      count(row.perSecond),
      row === ours ? '' : times(ours, row),
      micros(row.serverCpu),
      micros(row.postgresCpu),
      row.statements.toFixed(2),
      millis(row.p50),
      millis(row.p99)
    ])),
    `Latencies at ${rate} per second, each counted from when it was due; ${sample.toLocaleString('en')} of each.`
  ]
}

/** What no second factor on these statements can exceed, whatever else it does. */
function ceiling ({ rows: [, peer, statements] }: Comparison): string {
  return wrapped(`The statements alone, with nothing around them, come to ${times(statements, peer)} times Better Auth here.`)
}

function costOfSession ([ours, statements, session]: readonly Row[]): string {
  return wrapped('Behind a session that gets a new id, as every sign-in needs it (ASVS 5.0, 7.2.4), the statements alone come to ' +
    `${times(session, statements)} of what they come to without. This package comes to ${times(ours, session)} of that.`)
}

function floorTable (rows: readonly Row[]): string {
  const [ours] = rows
  return table(['', 'per second', 'ours to it', 'CPU of the server', 'of PostgreSQL', 'SQL statements'], rows.map(row => [
    row.name,
    count(row.perSecond),
    row === ours ? '' : times(ours, row),
    micros(row.serverCpu),
    micros(row.postgresCpu),
    row.statements.toFixed(2)
  ]))
}

function processesTable (rows: readonly Row[]): string {
  const [one] = rows
  return table(['', 'per second', 'times one', 'CPU of the servers', 'of PostgreSQL', 'of the load', 'cores busy'], rows.map(row => [
    row === one ? 'one process' : 'two processes',
    count(row.perSecond),
    (row.perSecond / (one?.perSecond ?? NaN)).toFixed(2),
    micros(row.serverCpu),
    micros(row.postgresCpu),
    micros(row.generatorCpu),
    (work(row) * row.perSecond / 1e6).toFixed(2)
  ]))
}

/** What the CPU time of each part allows, whatever was measured. */
function bounds ([one, two]: readonly Row[]): string {
  if (!one || !two) throw new RangeError('One process and two are compared')
  if (Number.isNaN(work(one))) return 'What bounds a second process is known on Linux alone, by the CPU time of PostgreSQL.'
  const cores = availableParallelism()
  const [here, alone] = [cores * 1e6 / work(one), 1e6 / one.serverCpu]
  const most = Math.max(1, here / Math.min(here, alone))
  return wrapped(`A verify takes ${micros(work(one))} of CPU in all, ${micros(one.serverCpu)} of them in the server: ${cores} cores that do all of it ` +
    `end at ${count(here)} per second, one server process at ${count(alone)}, so that a second process can bring no more than ${most.toFixed(2)} times here. ` +
    `Where PostgreSQL and the load have cores of their own, the servers are what counts: ${(2 * one.serverCpu / two.serverCpu).toFixed(2)} times by their CPU time.`)
}

function work ({ serverCpu, postgresCpu, generatorCpu }: Row): number {
  return serverCpu + postgresCpu + generatorCpu
}

function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`.replaceAll('|  |', '| |')
  return [head, head.map((_, column) => column === 0 ? '---' : '---:'), ...rows].map(line).join('\n')
}

function times (ours: Row | undefined, other: Row | undefined): string {
  return ((ours?.perSecond ?? NaN) / (other?.perSecond ?? NaN)).toFixed(2)
}

/** In lines, as the rest of the page. */
function wrapped (text: string): string {
  return text.replaceAll(/(.{1,140})(?: |$)/g, '$1\n').trimEnd()
}

function count (value: number): string {
  return value < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en')
}

function micros (value: number): string {
  if (Number.isNaN(value)) return '–'
  return value < 10_000 ? `${Math.round(value).toLocaleString('en')} µs` : `${Math.round(value / 1000).toLocaleString('en')} ms`
}

function millis (value: number): string {
  return `${value.toFixed(1)} ms`
}
