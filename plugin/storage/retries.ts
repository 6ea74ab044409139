import { setTimeout } from 'node:timers/promises'
import type { TwoFactorStorage } from './storage.js'

/** In milliseconds. */
interface Pace {
  readonly patience: number
  readonly longestPause: number
}

const quick: Pace = { patience: 5_000, longestPause: 20 }

/** Does it again, for up to five seconds by default, if it met another one, and so wrote nothing. */
export async function repeatedly<Result> (
  task: () => Promise<Result>, isConflict: (error: unknown) => boolean, { patience, longestPause } = quick
): Promise<Result> {
  const end = performance.now() + patience
  for (;;) {
    try {
      return await task()
    } catch (error) {
      if (!isConflict(error) || performance.now() > end) throw error
      // At random, or the same two meet again.
      await setTimeout(Math.random() * longestPause)
    }
  }
}

/** The same storage, where each call is made {@link repeatedly}. */
export function retryingStorage (storage: TwoFactorStorage, isConflict: (error: unknown) => boolean): TwoFactorStorage {
  type Method = (...given: unknown[]) => Promise<unknown>
  return Object.fromEntries(Object.entries(storage).map(([name, method]) =>
    [name, (...given: unknown[]) => repeatedly(async () => (method as Method)(...given), isConflict)]
  )) as unknown as TwoFactorStorage
}
