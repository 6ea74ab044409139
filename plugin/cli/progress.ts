import type { Terminal } from './terminal.js'

/** A bar that tells how far long work is. */
export interface Progress {
  /** @param fraction - 0 to 1, or `undefined` if the end is not known. */
  readonly show: (count: number, fraction: number | undefined) => void
  readonly end: () => void
}

const width = 30
const interval = 100

/** On a terminal alone: nothing of it goes into a file or a pipe. */
export function createProgress ({ errors }: Terminal, what: string): Progress {
  if (errors.isTTY !== true) return { show () {}, end () {} }
  const start = performance.now()
  let drawn = 0

  return {
    show (count, fraction) {
      const elapsed = performance.now() - start
      if (drawn !== 0 && elapsed - drawn < interval && fraction !== 1) return
      drawn = elapsed
      const speed = `${number(count / elapsed * 1000)} a second`
      const counted = `${number(count)} ${what}, ${speed}`
      if (fraction === undefined) {
        errors.write(`\r\u001b[K${counted}`)
        return
      }
      const done = Math.round(Math.min(1, fraction) * width)
      const bar = '#'.repeat(done).padEnd(width, '-')
      const left = fraction > 0 ? `, ${duration(elapsed / fraction - elapsed)} left` : ''
      errors.write(`\r\u001b[K[${bar}] ${Math.floor(fraction * 100)} %  ${counted}${left}`)
    },
    end () {
      if (drawn !== 0) errors.write('\r\u001b[K')
    }
  }
}

function number (value: number): string {
  return Math.round(value).toLocaleString('en')
}

function duration (milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
