import type { KeyInfo } from '../secrets/secret-box.js'
import type { SealedKind, SealedValue } from '../storage/storage.js'
import type { ServiceDependencies } from './dependencies.js'
import { inGroups } from './in-groups.js'

/** A key, and what is sealed with it. */
export interface KeyUsage extends KeyInfo {
  /** Secrets of authenticators. */
  readonly secrets: number
  /** Salts of recovery codes. */
  readonly recoverySalts: number
}

export interface RotateKeysOptions {
  /** Values in one statement: 1 to 5000. Default is 500. */
  readonly batchSize?: number
  /** Stops after the batch that is under way. What is done stays done; a later run goes on. */
  readonly signal?: AbortSignal
  /** Told after each batch. */
  readonly onProgress?: (progress: { readonly done: number, readonly total: number }) => unknown
}

export interface KeyRotation {
  /** Every key that something is sealed with. One that is not `available` is to be given again before it is lost. */
  keyUsage: () => Promise<KeyUsage[]>
  /**
   * Seals everything anew that is not sealed with the current key. Sign-ins go on meanwhile. It can be stopped at any
   * moment, and run again, also by two processes at once.
   *
   * @returns How many values were sealed anew, and how many could not be opened and stayed as they are.
   */
  rotateKeys: (options?: RotateKeysOptions) => Promise<{ readonly resealed: number, readonly failed: number }>
}

const kinds = ['secrets', 'recovery-salts'] as const

// What is about no one user.
const everybody = { userId: '' }

// A key management service takes a while for each value, and so many at once.
const atOnce = 16

export function createKeyRotation (
  { storage, secrets: box, journal }: Pick<ServiceDependencies, 'storage' | 'secrets' | 'journal'>
): KeyRotation {
  async function reseal (kind: SealedKind, { userId, id, value }: SealedValue) {
    const [purpose, context] = kind === 'secrets'
      ? ['authenticator-secret', [userId, id]] as const
      : ['recovery-salt', [userId]] as const
    try {
      const opened = await box.open(purpose, context, value)
      return [{ userId, id, value, replacement: await box.seal(purpose, context, opened) }]
    } catch {
      return []
    }
  }

  async function count (kind: SealedKind): Promise<Map<string, { readonly info: KeyInfo, readonly count: number }>> {
    const rows = await storage.countSealed(kind)
    return new Map(rows.map(({ mark, count }) => [Buffer.from(mark).toString('hex'), { info: box.describe(mark), count }]))
  }

  /** What is not sealed with the current key. */
  async function countDue (): Promise<number> {
    const counts = await Promise.all(kinds.map(count))
    return counts.flatMap(counted => [...counted.values()])
      .reduce((sum, { info, count }) => info.current ? sum : sum + count, 0)
  }

  return {
    async keyUsage () {
      const [secrets, salts] = await Promise.all([count('secrets'), count('recovery-salts')])
      return [...new Map([...secrets, ...salts])].map(([mark, { info }]) => (
        { ...info, secrets: secrets.get(mark)?.count ?? 0, recoverySalts: salts.get(mark)?.count ?? 0 }))
    },

    async rotateKeys ({ batchSize = 500, signal, onProgress } = {}) {
      // A look at whole tables, for those who watch.
      const total = onProgress ? await countDue() : 0
      let [resealed, failed] = [0, 0]

      for (const kind of kinds) {
        let after: SealedValue | undefined
        while (!signal?.aborted) {
          const values = await storage.listSealed(kind, { exceptMark: box.currentMark, after, limit: batchSize })
          after = values.at(-1)
          if (!after) break
          const replacements = (await inGroups(values, atOnce, value => reseal(kind, value))).flat()
          failed += values.length - replacements.length
          if (replacements.length > 0) resealed += await storage.replaceSealed(kind, replacements)
          onProgress?.({ done: resealed + failed, total })
        }
      }
      if (resealed + failed > 0) journal.tell(everybody, ['keys-rotated', { resealed, failed }])
      return { resealed, failed }
    }
  }
}
