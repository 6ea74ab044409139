import { compare, snapshotOf, type ComparedRows, type Snapshot } from './changes.js'
import type { Recording } from './recording.js'
import type { TableRows } from './rows.js'

/** What this process saw of its visitors lately. */
export interface Traces {
  readonly add: (visitor: string, account: string | undefined, recording: Recording) => void
  /** What there is to show on a page, and what of it is new since the page before. */
  readonly look: (visitor: string, account: string | undefined, tables: readonly TableRows[] | undefined) => Look
}

export interface Look {
  /**
   * The newest first. With no account, the last one alone: what whoever sits there now has just done, which may have
   * been to sign out.
   */
  readonly recordings: readonly Recording[]
  readonly fresh: ReadonlySet<Recording>
  readonly tables: readonly ComparedRows[] | undefined
}

interface Known {
  recordings: ReadonlyArray<{ readonly account: string | undefined, readonly recording: Recording }>
  readonly shown: WeakSet<Recording>
  /** Of the account that was signed in on the page before. */
  snapshot?: { readonly account: string, readonly rows: Snapshot }
}

/**
 * Keeps the last requests of the last visitors, and forgets those before: neither a visitor who stays nor many who
 * come fill the memory.
 */
export function createTraces ({ visitors = 100, requests = 6 }: { visitors?: number, requests?: number } = {}): Traces {
  const known = new Map<string, Known>()

  function touch (visitor: string): Known {
    const entry = known.get(visitor) ?? { recordings: [], shown: new WeakSet() }
    // Last in the map is who came last.
    known.delete(visitor)
    known.set(visitor, entry)
    const [oldest] = known.keys()
    if (known.size > visitors && oldest !== undefined) known.delete(oldest)
    return entry
  }

  return {
    add (visitor, account, recording) {
      const entry = touch(visitor)
      entry.recordings = [{ account, recording }, ...entry.recordings].slice(0, requests)
    },

    look (visitor, account, tables) {
      const entry = touch(visitor)
      const own = account === undefined
        ? entry.recordings.slice(0, 1)
        : entry.recordings.filter(trace => trace.account === account)
      const recordings = own.map(({ recording }) => recording)
      const fresh = new Set(recordings.filter(recording => !entry.shown.has(recording)))
      for (const recording of fresh) entry.shown.add(recording)

      const { snapshot } = entry
      if (account !== undefined && tables) entry.snapshot = { account, rows: snapshotOf(tables) }
      const previous = snapshot?.account === account ? snapshot?.rows : undefined
      return { recordings, fresh, tables: tables && compare(tables, previous) }
    }
  }
}
