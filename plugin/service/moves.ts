import { timingSafeEqual } from 'node:crypto'
import { AuthenticatorLimitError, BadSecretError } from '../errors.js'
import type { OtpAlgorithm } from '../otp/hotp.js'
import type { StoredAuthenticator } from '../storage/storage.js'
import type { ServiceDependencies } from './dependencies.js'
import { checkImportedSecret, sealImported, verifierOf, type ImportedSecret } from './imported-secret.js'
import type { Happening } from './journal.js'
import type { Passes } from './passes.js'

export interface Moves {
  /**
   * Takes an enrolment over from another system: the user's app keeps working, and two-factor authentication is on. The
   * user has no recovery codes until a set is made.
   *
   * @returns `false` if the user has this secret already: an import can be run again.
   * @throws {BadSecretError}
   * @throws {AuthenticatorLimitError}
   */
  importSecret: (userId: string, imported: ImportedSecret) => Promise<boolean>

  /**
   * Has another verifier check the user's authenticators from now on, such as `local` instead of a remote one. The
   * user's app keeps working.
   *
   * @returns How many authenticators were moved.
   * @throws {BadOptionError} if the registration has no such verifier.
   * @throws {BadSecretError} if it cannot check one of them. Then none is moved.
   */
  switchVerifier: (userId: string, kind: string) => Promise<number>
}

export function createMoves (dependencies: ServiceDependencies, passes: Passes): Moves {
  const { storage, secrets, verifiers, maxAuthenticators, clock, journal } = dependencies

  function open (userId: string, { id, secret }: StoredAuthenticator): Promise<Uint8Array> {
    return secrets.open('authenticator-secret', [userId, id], secret)
  }

  return {
    async importSecret (userId, given) {
      const checked = checkImportedSecret(given, dependencies)
      const { authenticators: enrolled = [], disabledAt = null } = await storage.findStatus(userId) ?? {}
      if (disabledAt) throw new BadSecretError('the user made too many wrong codes: call unlock or reset first')
      const known = await Promise.all(enrolled.map(authenticator => open(userId, authenticator)))
      if (known.some(other => isSame(other, checked.key))) return false

      const { authenticator, salt } = await sealImported(secrets, userId, checked, new Date(clock()))
      const imported: Happening = ['imported', { authenticatorId: authenticator.id }]
      const enabled = await journal.change({ userId },
        storage => storage.enable(userId, { authenticator, recoveryCodes: { salt, hashes: [] } }),
        enabled => enabled ? [imported] : [])
      if (!enabled) {
        const result = await journal.change({ userId },
          storage => storage.addAuthenticator(userId, { authenticator }, maxAuthenticators),
          result => result === 'added' ? [imported] : [])
        if (result === 'full') throw new AuthenticatorLimitError()
        if (result !== 'added') return false
      }
      passes.forgetUser(userId)
      return true
    },

    async switchVerifier (userId, kind) {
      const verifier = verifierOf(verifiers, kind)
      const moving = (await storage.findStatus(userId))?.authenticators.filter(other => other.kind !== kind) ?? []
      if (moving.length === 0) return 0
      for (const authenticator of moving) {
        const { algorithm, digits, period } = authenticator
        const key = await open(userId, authenticator)
        const objection = verifier.objection?.({ key, algorithm: algorithm as OtpAlgorithm, digits, period })
        if (objection !== undefined) throw new BadSecretError(objection)
      }
      return journal.change({ userId }, storage => storage.setKind(userId, moving.map(({ id }) => id), kind),
        moved => moved > 0 ? [['verifier-switched', { verifier: kind }]] : [])
    }
  }
}

function isSame (a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
