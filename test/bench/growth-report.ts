import type { FillFactorResult } from './growth-fill-factors.js'
import type { Kind } from './growth-load.js'
import type { Part, Updates } from './growth-sizes.js'
import { machineInWords, picture, table, withoutPictures, type Region } from './page-region.js'
import { barChart } from './plot-bars.js'
import { lineChart } from './plot-lines.js'
import { median } from './rounds.js'

export interface SizeResult {
  /** How many users. */
  readonly size: number
  readonly parts: readonly Part[]
  readonly updates: readonly Updates[]
  /** Verifies per second of each round: of the same index at the same time. */
  readonly rates: Readonly<Record<Kind, readonly number[]>>
}

export interface Growth {
  /** The smallest table first. */
  readonly results: readonly SizeResult[]
  readonly fillFactors: readonly FillFactorResult[]
}

export const goalRatio = 0.8
const count = (value: number) => Math.round(value).toLocaleString('en')
const short = (name: string) => name.replace('two_factor_', '').replaceAll('_', ' ').replace(/ pkey$/, ', primary key')
const hotShare = ({ updates, hot }: Updates) => `${(hot / updates * 100).toFixed(1)} %`
const sumOf = (parts: readonly Part[]) => parts.reduce((sum, { bytesPerUser }) => sum + bytesPerUser, 0)

/** The median of the ratios of rounds that ran one after the other. */
export function ratioOf ({ results }: Growth, { rates }: SizeResult, kind: Kind): number {
  const small = results[0]?.rates[kind] ?? []
  return median(rates[kind].map((rate, round) => rate / (small[round] ?? NaN)))
}

/** The region of the page: tables and plots. */
export function growthRegion (growth: Growth): Region {
  const { results } = growth
  const largest = results.at(-1)!
  const series = (['wrong', 'right'] as const).map(kind => ({
    name: `${kind} code`,
    points: results.map(({ size, rates }) => [size, median(rates[kind])] as const)
  }))
  return {
    name: 'bench:growth',
    text: [
      machineInWords(),
      ratesTable(growth),
      picture('growth-rate', `Verifies per second by number of users: ${ratesInWords(growth)}`),
      `Bytes on disk for each user, after VACUUM, with ids of 36 characters. With ${count(largest.size)} users:`,
      partsTable(largest),
      picture('growth-bytes', `Bytes for each user by table and index, ${count(sumOf(largest.parts))} in all`),
      `The user's own row, ten recovery codes in it, takes ${tableBytes(largest, 'users')} with its index, ` +
        `each authenticator ${tableBytes(largest, 'authenticators')}.`,
      `All together, by number of users: ${results.map(({ size, parts }) => `${count(sumOf(parts))} (${count(size)})`).join(', ')}.`,
      'Updates that stayed on their page (HOT: no index is touched, and no VACUUM needed to reuse the space), as `pg_stat_user_tables` has it after the rounds:',
      hotTable(results.map(({ size, updates }) => [`${count(size)} users`, updates])),
      'And by `fillfactor`, when each of 1,000 users signs in again and again. The package sets 80:',
      hotTable(growth.fillFactors.map(({ fillFactor, updates }) => [`${fillFactor}`, updates]), 'fillfactor')
    ].join('\n\n'),
    plots: {
      'growth-rate': lineChart({
        title: 'Verifies per second by number of users',
        x: { label: 'users enrolled', scale: 'log' },
        y: { label: 'verifies per second over HTTP' },
        series
      }),
      'growth-bytes': barChart({
        title: `Bytes for each user, with ${count(largest.size)} users`,
        unit: 'bytes on disk for each user',
        bars: largest.parts.map(({ name, bytesPerUser }) => ({ name: short(name), value: Math.round(bytesPerUser) }))
      })
    }
  }
}

function ratesTable (growth: Growth): string {
  return table(['users', 'right code, per second', 'times the smallest', 'wrong code, per second', 'times the smallest'],
    growth.results.map(result => [count(result.size), ...(['right', 'wrong'] as const).flatMap(kind =>
      [count(median(result.rates[kind])), ratioOf(growth, result, kind).toFixed(2)])]))
}

function ratesInWords ({ results }: Growth): string {
  return results.map(({ size, rates }) => `${count(median(rates.right))} right and ${count(median(rates.wrong))} wrong codes with ${count(size)}`).join('; ')
}

function tableBytes ({ parts }: SizeResult, name: string): string {
  return count(sumOf(parts.filter(({ table }) => table === `two_factor_${name}`)))
}

function partsTable ({ parts }: SizeResult): string {
  const rows = parts.map(({ name, bytesPerUser }) => [short(name), count(bytesPerUser)])
  return table(['', 'bytes'], [...rows, ['together', count(sumOf(parts))]])
}

function hotTable (rows: ReadonlyArray<readonly [name: string, updates: readonly Updates[]]>, first = ''): string {
  const names = [...new Set(rows.flatMap(([, updates]) => updates.map(({ table }) => table)))]
  return table([first, ...names.map(short)], rows.map(([name, updates]) =>
    [name, ...names.map(table => updates.filter(one => one.table === table).map(hotShare).join('') || '0 of 0')]))
}

/** The same on a terminal. */
export function printGrowth (growth: Growth): void {
  console.log(`\n${withoutPictures(growthRegion(growth).text)}`)
}
