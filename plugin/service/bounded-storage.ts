import type { TwoFactorStorage } from '../storage/storage.js'
import { within } from './within.js'

/**
 * The same storage, where each call ends within `timeout` milliseconds and each failure is an {@link UnavailableError}:
 * a database that hangs must not hang the host's routes.
 */
export function boundedStorage (storage: TwoFactorStorage, timeout: number): TwoFactorStorage {
  function bounded<Name extends keyof TwoFactorStorage> (name: Name): TwoFactorStorage[Name] {
    const call = (...given: unknown[]) =>
      within('storage', timeout, async () => (storage[name] as (...given: unknown[]) => Promise<unknown>).apply(storage, given))
    return call as TwoFactorStorage[Name]
  }

  return {
    isEnabled: bounded('isEnabled'),
    findStatus: bounded('findStatus'),
    refundAttempt: bounded('refundAttempt'),
    acceptStep: bounded('acceptStep'),
    burnCode: bounded('burnCode'),
    acceptProof: bounded('acceptProof'),
    acceptRecoveryCode: bounded('acceptRecoveryCode'),
    enable: bounded('enable'),
    addAuthenticator: bounded('addAuthenticator'),
    renameAuthenticator: bounded('renameAuthenticator'),
    removeAuthenticator: bounded('removeAuthenticator'),
    setKind: bounded('setKind'),
    replaceRecoveryCodes: bounded('replaceRecoveryCodes'),
    findPass: bounded('findPass'),
    endPass: bounded('endPass'),
    trustDevice: bounded('trustDevice'),
    useDevice: bounded('useDevice'),
    listDevices: bounded('listDevices'),
    revokeDevices: bounded('revokeDevices'),
    unlock: bounded('unlock'),
    reset: bounded('reset'),
    sampleSecret: bounded('sampleSecret'),
    recordEvents: bounded('recordEvents'),
    findEvents: bounded('findEvents'),
    withEvents: (userId, change, events) => within('storage', timeout, () => storage.withEvents(userId, change, events)),
    // Maintenance, which nobody waits for at a sign-in. It may take its time.
    pruneEvents: (until, limit) => storage.pruneEvents(until, limit),
    countSealed: kind => storage.countSealed(kind),
    listSealed: (kind, page) => storage.listSealed(kind, page),
    replaceSealed: (kind, values) => storage.replaceSealed(kind, values),
    setKindOfAll: (kind, users) => storage.setKindOfAll(kind, users),
    enableAll: enrolments => storage.enableAll(enrolments),
    listOtherKinds: (kind, page) => storage.listOtherKinds(kind, page),
    pruneExpired: (table, page) => storage.pruneExpired(table, page),
    countTotals: now => storage.countTotals(now),

    async claimAttempt (userId, rules) {
      const claiming = (async () => storage.claimAttempt(userId, rules))()
      try {
        return await within('storage', timeout, () => claiming)
      } catch (error) {
        // The database may still count it when it wakes up, and nobody will check that code any more.
        claiming
          .then(claim => claim.granted ? storage.refundAttempt(userId, claim, rules.audit) : undefined)
          .catch(() => {})
        throw error
      }
    }
  }
}
