export interface Contestant {
  name: string
  /** One operation. If it returns a promise, that is awaited before the next. */
  run: () => unknown
  /** Called before each round, outside the measured time. */
  prepare?: () => void
}

export interface RoundsOptions {
  title: string
  /** What one operation is, in the plural. */
  unit: string
  /** Name of the contestant that the others are compared with. */
  peer: string
  contestants: Contestant[]
  /** Rounds of each contestant, 5 or more. Default is 7. */
  rounds?: number
  /** Length of one round, in milliseconds. Default is 300. */
  duration?: number
}

export interface Result {
  name: string
  /** Median of the rounds, in operations per second. */
  perSecond: number
  /** Slowest and fastest round, in operations per second. */
  range: [slowest: number, fastest: number]
  /** How many times as fast as the peer. */
  ratio: number
}

/**
 * Runs the contestants in turn, round after round, so that a noisy moment of the machine hits all of them alike; prints
 * and returns the medians.
 */
export async function runRounds (options: RoundsOptions): Promise<Result[]> {
  const { title, unit, peer, contestants, rounds = 7, duration = 300 } = options
  if (rounds < 5) throw new RangeError('A median needs at least five rounds')

  // Warm-up: a whole round each, thrown away.
  for (const contestant of contestants) await runRound(contestant, duration)

  const measured = new Map(contestants.map(({ name }) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round++) {
    for (const contestant of contestants) measured.get(contestant.name)!.push(await runRound(contestant, duration))
  }

  const peerSpeed = median(measured.get(peer) ?? [])
  const results = [...measured].map(([name, speeds]): Result => ({
    name,
    perSecond: median(speeds),
    range: [Math.min(...speeds), Math.max(...speeds)],
    ratio: median(speeds) / peerSpeed
  }))

  print(title, unit, peer, results)
  return results
}

/** @returns Operations per second. */
async function runRound ({ run, prepare }: Contestant, duration: number): Promise<number> {
  prepare?.()
  const asynchronous = run() instanceof Promise

  let operations = 0
  let batch = 1
  let elapsed = 0
  const start = performance.now()
  while (elapsed < duration) {
    if (asynchronous) for (let i = 0; i < batch; i++) await run()
    else for (let i = 0; i < batch; i++) run()
    operations += batch
    const now = performance.now() - start
    // Batches of some milliseconds: the clock is read too seldom to count, and the round ends near its time.
    if (now - elapsed < 2) batch *= 2
    elapsed = now
  }
  return operations / elapsed * 1000
}

export function median (numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const value = sorted.length % 2 === 0 ? (sorted[middle - 1]! + sorted[middle]!) / 2 : sorted[Math.floor(middle)]
  if (value === undefined || Number.isNaN(value)) throw new RangeError('Nothing was measured under that name')
  return value
}

function print (title: string, unit: string, peer: string, results: Result[]): void {
  const count = (value: number) => Math.round(value).toLocaleString('en')
  const header = ['', `${unit}/s`, 'slowest to fastest round', `times ${peer}`]
  const rows = results.map(({ name, perSecond, range, ratio }) =>
    [name, count(perSecond), range.map(count).join(' to '), ratio.toFixed(2)])
  const widths = header.map((_, column) => Math.max(...[header, ...rows].map(row => row[column]!.length)))
  const line = (row: string[]) => row
    .map((cell, column) => column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)).join('  ')

  console.log(`\n${title}\n`)
  for (const row of [header, ...rows]) console.log(`  ${line(row)}`)
}

/**
 * Rounds of 400 verifies that come before those that count: V8 is done with what a verify runs through after some ten
 * thousand, and servers stay up for longer.
 */
export const warmUp = 30
