import { AuthenticatorLimitError, BadOptionError, BadSecretError } from '../errors.js'
import type { ServiceDependencies } from './dependencies.js'
import { checkImportedSecret, sealImported, type CheckedSecret, type ImportedSecret } from './imported-secret.js'
import { inGroups } from './in-groups.js'
import type { Moves } from './moves.js'

/** A secret, and whose it is. */
export interface UserSecret {
  readonly userId: string
  readonly imported: ImportedSecret
}

/** What came of it, as `importSecret` would have answered: `known` is its `false`, and a refusal wrote nothing. */
export type ImportResult = 'imported' | 'known' | { readonly refused: string }

export interface BulkImport {
  /** Why a secret cannot be taken over, as far as can be told without its user; `undefined` if it can. */
  objectionTo: (imported: ImportedSecret) => string | undefined

  /**
   * The same as `importSecret` for each, in a fraction of the time if most of them are users of their own and new here.
   *
   * @param batch - Some hundred are best: those of users who are new here share a statement.
   * @returns One answer for each, in the same order.
   * @throws {UnavailableError}
   */
  importSecrets: (batch: readonly UserSecret[]) => Promise<ImportResult[]>
}

// Each is a transaction of its own.
const atOnce = 8

export function createBulkImport (
  dependencies: ServiceDependencies, importSecret: Moves['importSecret']
): BulkImport {
  const { storage, secrets, clock, journal } = dependencies

  async function importOne ({ userId, imported }: UserSecret): Promise<ImportResult> {
    try {
      return await importSecret(userId, imported) ? 'imported' : 'known'
    } catch (error) {
      return { refused: reasonOf(error) }
    }
  }

  /** Those who are new here, in one statement. What it answers nothing for is left to be done. */
  async function importNew (checked: ReadonlyMap<string, CheckedSecret>): Promise<Map<string, ImportResult>> {
    const now = new Date(clock())
    const entries = await Promise.all([...checked].map(async ([userId, secret]) => {
      const { authenticator, salt } = await sealImported(secrets, userId, secret, now)
      const record = journal.prepare({ userId }, ['imported', { authenticatorId: authenticator.id }])
      return { userId, authenticator, salt, event: record.stored, tell: record.tell }
    }))
    const { enabled, known } = await storage.enableAll(entries.map(({ tell: _, ...enrolment }) => enrolment))
    for (const { userId, tell } of entries) if (enabled.has(userId)) tell()
    return new Map([...checked.keys()].flatMap((userId): Array<[string, ImportResult]> =>
      enabled.has(userId) ? [[userId, 'imported']] : known.has(userId) ? [[userId, 'known']] : []))
  }

  return {
    objectionTo (imported) {
      try {
        checkImportedSecret(imported, dependencies)
      } catch (error) {
        return reasonOf(error)
      }
    },

    async importSecrets (batch) {
      const results = new Map<UserSecret, ImportResult>()
      const first = new Map<string, UserSecret>()
      const checked = new Map<string, CheckedSecret>()
      for (const entry of batch) {
        try {
          const secret = checkImportedSecret(entry.imported, dependencies)
          if (first.has(entry.userId)) continue
          first.set(entry.userId, entry)
          checked.set(entry.userId, secret)
        } catch (error) {
          results.set(entry, { refused: reasonOf(error) })
        }
      }
      if (checked.size > 0) {
        for (const [userId, result] of await importNew(checked)) results.set(first.get(userId) as UserSecret, result)
      }
      const left = batch.filter(entry => !results.has(entry))
      await inGroups(left, atOnce, async entry => { results.set(entry, await importOne(entry)) })
      return batch.map(entry => results.get(entry) as ImportResult)
    }
  }
}

/** @throws What is no refusal of this secret alone. */
function reasonOf (error: unknown): string {
  if (error instanceof BadSecretError || error instanceof AuthenticatorLimitError || error instanceof BadOptionError) {
    return error.message
  }
  throw error
}
