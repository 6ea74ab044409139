/** How a language writes what is no text. */
export interface Formats {
  /** A day, such as `January 1, 2026`. */
  readonly date: (date: Date) => string
  /** A day and its time, in UTC: the server does not know where the user is. */
  readonly dateTime: (date: Date) => string
  /** About as long as this many milliseconds, in the largest unit that fits, such as `5 minutes`. */
  readonly duration: (ms: number) => string
}

const units = [['day', 86_400_000, 2], ['hour', 3_600_000, 1], ['minute', 60_000, 1], ['second', 1000, 0]] as const

/** @param language - A tag (BCP 47). @throws {RangeError} if it is none. */
export function createFormats (language: string): Formats {
  const date = new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' })
  const dateTime = new Intl.DateTimeFormat(language, {
    year: 'numeric', month: 'long', day: 'numeric', hour: 'numeric', minute: '2-digit', timeZone: 'UTC', timeZoneName: 'short'
  })
  return {
    date: value => date.format(value),
    dateTime: value => dateTime.format(value),

    duration (ms) {
      const [unit, size] = units.find(([, size, least]) => ms >= size * least) ?? units[3]
      // Rounded up: who waits as long as it says has waited long enough.
      return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(Math.ceil(ms / size))
    }
  }
}
