import { machineInWords, picture, table, type Region } from './page-region.js'
import { lineChart } from './plot-lines.js'
import { median } from './rounds.js'
import { callApi, flows } from './soak-flows.js'
import type { Slot, SoakResult } from './soak-run.js'
import { trendOf, type Trend } from './soak-trend.js'

export interface SoakTerms {
  readonly minutes: number
  /** Flows that begin in a second. */
  readonly rate: number
}

export interface Verdict {
  /** In MiB per hour, over the second half. */
  readonly heap: Trend
  readonly rss: Trend
  /** `undefined` if the run was too short to tell. */
  readonly flat: boolean | undefined
}

// In MiB per hour. The heap after a collection says what the code holds; the other one has the allocator's moods in it.
const limits = { heap: 6, rss: 60 }
/** As many as each app remembers. Until the app with fewer clients has had so many, memory has to grow. */
const rememberedPasses = 10_000
const bearerShare = flows.find(({ flow }) => flow === callApi)?.share ?? 0

const mebibytes = (bytes: number) => bytes / 2 ** 20
const count = (value: number) => Math.round(value).toLocaleString('en')

/** Whether memory is flat over the second half of the run. */
export function judge ({ slots }: Pick<SoakResult, 'slots'>, { minutes, rate }: SoakTerms): Verdict {
  const half = slots.slice(Math.floor(slots.length / 2))
  const trend = (of: (slot: Slot) => number) =>
    trendOf(half.map(slot => [slot.minute / 60, mebibytes(of(slot))] as const))
  const [heap, rss] = [trend(slot => slot.heap), trend(slot => slot.rss)]
  const full = minutes / 2 * 60 * rate * bearerShare / 100 >= rememberedPasses
  const flat = full ? heap.slope <= limits.heap && rss.slope <= limits.rss : undefined
  return { heap, rss, flat }
}

/** @returns Sentences. */
export function verdictInWords ({ heap, rss, flat }: Verdict): string {
  const slope = ({ slope, error }: Trend) => `${slope.toFixed(1)} ± ${(2 * error).toFixed(1)} MiB per hour`
  const trends = `Over the second half the heap grows by ${slope(heap)}, the process by ${slope(rss)} (linear regression, two standard errors).`
  if (flat === undefined) return `${trends} The run is too short to tell whether memory is flat: caches were filling up.`
  return `${trends} Memory is ${flat ? 'flat' : 'not flat'}: at most ${limits.heap} and ${limits.rss} count as that.`
}

export function soakRegion (result: SoakResult, terms: SoakTerms): Region {
  const { slots, done } = result
  const points = (of: (slot: Slot) => number) => slots.map(slot => [slot.minute, of(slot)] as const)
  const requests = slots.reduce((sum, slot) => sum + slot.requests, 0)
  const flows = Object.values(done).reduce((sum, times) => sum + times, 0)
  return {
    name: 'bench:soak',
    text: [
      machineInWords(),
      `${count(requests)} requests in ${terms.minutes} minutes, of ${count(flows)} visits, ${terms.rate} of which began each second: ` +
        `${Object.entries(done).map(([name, times]) => `${name} (${count(times)})`).join(', ')}. ${surprisesInWords(result)}`,
      verdictInWords(judge(result, terms)),
      picture('soak-memory', `Memory by time: ${rangeInWords(slots, slot => mebibytes(slot.heap))} MiB of heap after a collection, ${rangeInWords(slots, slot => mebibytes(slot.rss))} MiB of the process`),
      picture('soak-latency', `Latency by time: p50 ${rangeInWords(slots, slot => slot.p50)} ms, p99 ${rangeInWords(slots, slot => slot.p99)} ms, event loop ${rangeInWords(slots, slot => slot.delay)} ms`),
      minutesTable(slots),
      'Tables with their indexes, in MiB. Events stay until they are pruned; everything else is swept by the sign-ins themselves:',
      tablesTable(slots)
    ].join('\n\n'),
    plots: {
      'soak-memory': lineChart({
        title: 'Memory of the process under a mixed load',
        x: { label: 'minutes' },
        y: { label: 'MiB' },
        series: [
          { name: 'process (RSS)', points: points(slot => mebibytes(slot.rss)) },
          { name: 'heap after gc', points: points(slot => mebibytes(slot.heap)) }
        ]
      }),
      'soak-latency': lineChart({
        title: 'Latency under a mixed load',
        x: { label: 'minutes' },
        y: { label: 'milliseconds' },
        series: [
          { name: 'request p99', points: points(slot => slot.p99) },
          { name: 'event loop p99', points: points(slot => slot.delay) },
          { name: 'request p50', points: points(slot => slot.p50) }
        ]
      })
    }
  }
}

function rangeInWords (slots: readonly Slot[], of: (slot: Slot) => number): string {
  const values = slots.map(of)
  return `${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)}`
}

function surprisesInWords ({ surprises }: SoakResult): string {
  const all = Object.entries(surprises)
  if (all.length === 0) return 'Every answer was the one expected.'
  return `Not as expected: ${all.map(([what, times]) => `${what} (${count(times)})`).join('; ')}.`
}

/** Five of them, evenly over time: the plots have all. */
function minutesTable (slots: readonly Slot[]): string {
  const upTo = (fifths: number) => Math.floor(slots.length * fifths / 5)
  const fifths = [0, 1, 2, 3, 4].map(part => slots.slice(upTo(part), upTo(part + 1)))
  const rows = fifths.filter(part => part.length > 0).map(part => {
    const of = (value: (slot: Slot) => number) => median(part.map(value)).toFixed(1)
    return [`up to ${part.at(-1)?.minute.toFixed(1)}`, of(slot => slot.p50), of(slot => slot.p99), of(slot => slot.delay),
      of(slot => mebibytes(slot.heap)), of(slot => mebibytes(slot.rss))]
  })
  return table(['minutes', 'p50, ms', 'p99, ms', 'event loop p99, ms', 'heap after gc, MiB', 'process, MiB'], rows)
}

function tablesTable (slots: readonly Slot[]): string {
  const [first, middle, last] = [slots[0], slots[Math.floor(slots.length / 2)], slots.at(-1)]
  const sizes = (slot: Slot | undefined, name: string) => mebibytes(slot?.tables[name] ?? 0).toFixed(2)
  return table(['', 'at first', 'half-way', 'at the end'], Object.keys(last?.tables ?? {}).map(name =>
    [name.replace('two_factor_', '').replaceAll('_', ' '), sizes(first, name), sizes(middle, name), sizes(last, name)]))
}
