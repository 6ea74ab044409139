import { createHash } from 'node:crypto'

/** How often one SecretCode may be validated. */
export interface ValidationLimit {
  readonly max: number
  /** In milliseconds. */
  readonly timeWindow: number
}

// About two megabytes. Past that the oldest windows are forgotten, which the limit by address makes slow to provoke.
const capacity = 10_000

/**
 * Counts validations by SecretCode, in memory of bounded size that holds hashes alone.
 *
 * @returns What counts one: it answers how long to wait, in milliseconds, or 0 if this one is within the limit.
 */
export function createValidationLimit (
  { max, timeWindow }: ValidationLimit, clock: () => number
): (secret: Uint8Array) => number {
  const windows = new Map<string, { readonly startedAt: number, count: number }>()

  return secret => {
    const key = createHash('sha256').update(secret).digest('base64')
    const now = clock()
    // A clock that was set back ends the windows from later on, rather than to prolong them.
    const isOver = (startedAt: number) => now < startedAt || now >= startedAt + timeWindow

    // A map keeps the order in which windows began, so that those to forget come first.
    for (const [oldest, { startedAt }] of windows) {
      if (!isOver(startedAt) && windows.size <= capacity) break
      windows.delete(oldest)
    }
    const current = windows.get(key)
    if (current === undefined || isOver(current.startedAt)) {
      windows.delete(key)
      windows.set(key, { startedAt: now, count: 1 })
      return 0
    }
    return ++current.count <= max ? 0 : current.startedAt + timeWindow - now
  }
}
