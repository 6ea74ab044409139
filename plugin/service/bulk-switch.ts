import { BadSecretError } from '../errors.js'
import type { ServiceDependencies } from './dependencies.js'
import { verifierOf } from './imported-secret.js'
import { inGroups } from './in-groups.js'
import type { Moves } from './moves.js'

export interface BulkSwitch {
  /**
   * The same as `switchVerifier` for each user. A verifier that objects to no secret takes them over in one statement.
   *
   * @param userIds - Some hundred are best.
   * @returns How many authenticators were switched, and whose were not.
   * @throws {BadOptionError} if the registration has no such verifier.
   * @throws {UnavailableError}
   */
  switchVerifiers: (userIds: readonly string[], kind: string) => Promise<{
    readonly switched: number
    readonly refused: ReadonlyArray<{ readonly userId: string, readonly reason: string }>
  }>
}

// Each is a transaction of its own.
const atOnce = 8

export function createBulkSwitch (
  { storage, verifiers, journal }: ServiceDependencies, switchVerifier: Moves['switchVerifier']
): BulkSwitch {
  return {
    async switchVerifiers (userIds, kind) {
      if (!verifierOf(verifiers, kind).objection) {
        const changes = userIds.map(userId => {
          const { stored, tell } = journal.prepare({ userId }, ['verifier-switched', { verifier: kind }])
          return { userId, event: stored, tell }
        })
        const users = await storage.setKindOfAll(kind, changes.map(({ userId, event }) => ({ userId, event })))
        for (const { userId, tell } of changes) if (users.has(userId)) tell()
        return { switched: [...users.values()].reduce((sum, count) => sum + count, 0), refused: [] }
      }

      let switched = 0
      const refused: Array<{ userId: string, reason: string }> = []
      const switchOne = async (userId: string) => {
        try {
          const count = await switchVerifier(userId, kind)
          switched += count
        } catch (error) {
          if (!(error instanceof BadSecretError)) throw error
          refused.push({ userId, reason: error.message })
        }
      }
      await inGroups(userIds, atOnce, switchOne)
      return { switched, refused }
    }
  }
}
