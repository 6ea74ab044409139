import { LastAuthenticatorError, UnknownAuthenticatorError } from '../errors.js'
import type { StoredAuthenticator } from '../storage/storage.js'
import type { ServiceDependencies, Subject } from './dependencies.js'
import type { Happening } from './journal.js'
import { toStoredPass, type Pass, type Passes } from './passes.js'

/** An enrolled authenticator, as its user may see it. */
export interface AuthenticatorInfo {
  readonly id: string
  /** Which verifier checks its codes: `local`, or the kind of another one. */
  readonly kind: string
  readonly name: string
  /** Length of its codes. */
  readonly digits: number
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

export interface Authenticators {
  /** The authenticators of the user, the oldest first. */
  listAuthenticators: (userId: string) => Promise<AuthenticatorInfo[]>

  /** @throws {UnknownAuthenticatorError} */
  renameAuthenticator: (subject: Subject, id: string, name: string) => Promise<AuthenticatorInfo>

  /**
   * Removes an authenticator, and ends every pass but the one that is given. Without the last authenticator, two-factor
   * authentication is off.
   *
   * @param details.pass - Of the client that does it.
   * @param details.mayDisable - Whether the last authenticator may go. Default is `true`.
   * @returns Whether the user has two-factor authentication still.
   * @throws {UnknownAuthenticatorError}
   * @throws {LastAuthenticatorError}
   */
  removeAuthenticator: (
    subject: Subject, id: string, details?: { readonly pass?: Pass | undefined, readonly mayDisable?: boolean }
  ) => Promise<{ readonly enabled: boolean }>
}

export function createAuthenticators (
  { storage, journal }: Pick<ServiceDependencies, 'storage' | 'journal'>, passes: Passes
): Authenticators {
  async function listAuthenticators (userId: string): Promise<AuthenticatorInfo[]> {
    const status = await storage.findStatus(userId)
    return status?.authenticators.map(toAuthenticatorInfo) ?? []
  }

  return {
    listAuthenticators,

    async renameAuthenticator (subject, id, name) {
      const { userId } = subject
      const done = await journal.change(subject, storage => storage.renameAuthenticator(userId, id, name),
        done => done ? [['authenticator-renamed', { authenticatorId: id }]] : [])
      if (!done) throw new UnknownAuthenticatorError()
      const renamed = (await listAuthenticators(userId)).find(authenticator => authenticator.id === id)
      if (!renamed) throw new UnknownAuthenticatorError()
      return renamed
    },

    async removeAuthenticator (subject, id, { pass, mayDisable = true } = {}) {
      const { userId } = subject
      const details = { keepLast: !mayDisable, ...(pass && { keepPass: toStoredPass(pass).idHash }) }
      const removed: Happening = ['authenticator-removed', { authenticatorId: id }]
      const result = await journal.change(subject, storage => storage.removeAuthenticator(userId, id, details),
        result => result === 'removed' ? [removed] : result === 'disabled' ? [removed, 'disabled'] : [])
      if (result === 'unknown') throw new UnknownAuthenticatorError()
      if (result === 'last') throw new LastAuthenticatorError()

      passes.forgetUser(userId)
      return { enabled: result === 'removed' }
    }
  }
}

export function toAuthenticatorInfo (
  { id, kind, name, digits, createdAt, lastUsedAt }: StoredAuthenticator
): AuthenticatorInfo {
  return { id, kind, name, digits, createdAt, lastUsedAt }
}
