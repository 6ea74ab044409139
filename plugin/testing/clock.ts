/** The time, for the option `clock` of the plugin. It stands still until it is told to move. */
export interface TestClock {
  /** Milliseconds since the epoch. */
  (): number
  /** Moves on by so many seconds. */
  advance: (seconds: number) => void
  /** Jumps to a moment. */
  set: (time: Date | string | number) => void
}

/**
 * Makes a clock to inject, so that a test need not wait for the next code, or for a lock to end.
 *
 * @param start - A `Date`, what `Date.parse` reads, or milliseconds since the epoch. Default is
 * `2026-01-01T00:00:00Z`.
 * @throws {RangeError} if it is no moment.
 */
export function createTestClock (start: Date | string | number = '2026-01-01T00:00:00Z'): TestClock {
  let now = millisecondsOf(start)
  return Object.assign(() => now, {
    advance (seconds: number) { now = millisecondsOf(now + seconds * 1000) },
    set (time: Date | string | number) { now = millisecondsOf(time) }
  })
}

function millisecondsOf (time: Date | string | number): number {
  const milliseconds = new Date(time).getTime()
  if (Number.isNaN(milliseconds)) throw new RangeError('The time of a test clock must be a moment')
  return milliseconds
}
