import { LastAuthenticatorError } from './errors.js'
import type { TwoFactorEvent } from './events.js'
import { createAttempts, normalizeCode } from './service/attempt.js'
import {
  createAuthenticators, toAuthenticatorInfo, type AuthenticatorInfo, type Authenticators
} from './service/authenticators.js'
import { createBulkImport, type BulkImport } from './service/bulk-import.js'
import { createBulkSwitch, type BulkSwitch } from './service/bulk-switch.js'
import type { ServiceDependencies, Subject } from './service/dependencies.js'
import { createDevices, type Devices } from './service/devices.js'
import { fromStoredEvent } from './service/journal.js'
import { createKeyRotation, type KeyRotation } from './service/key-rotation.js'
import { createMoves, type Moves } from './service/moves.js'
import { createPasses, toStoredPass, type Pass, type Passes } from './service/passes.js'
import { createSetups, type Setups } from './service/setup.js'
import { createVerification } from './service/verification.js'

/** The state of one user's two-factor authentication. */
export interface UserStatus {
  readonly enabled: boolean
  readonly authenticators: readonly AuthenticatorInfo[]
  /** Recovery codes that are not used yet. */
  readonly recoveryCodesLeft: number
  /** Wrong codes in a row. */
  readonly failedAttempts: number
  /** No code is taken before then. `null`: not locked. */
  readonly lockedUntil: Date | null
  /** Too many wrong codes turned the authenticators off: a recovery code, `unlock` or `reset` helps. */
  readonly authenticatorsDisabled: boolean
}

/** The use cases of two-factor authentication, for a user that the host has named. */
export interface TwoFactorService extends
  Pick<Setups, 'confirm' | 'regenerateRecoveryCodes'>, Authenticators, Devices, Moves, BulkImport, BulkSwitch, KeyRotation {
  readonly passes: Passes
  readonly isEnabled: (userId: string) => Promise<boolean>
  /** The state of a user. For one who has no two-factor authentication too: then `enabled` is `false`. */
  readonly status: (userId: string) => Promise<UserStatus>
  readonly beginSetup: Setups['begin']
  readonly readSetup: Setups['read']
  /** @throws what {@link Attempts.acceptCode} throws */
  readonly verify: (subject: Subject, code: string) => Promise<Pass>
  /** Passes by what a method of the host calls right. Throws as {@link verify}. */
  readonly verifyBy: (subject: Subject, method: string, isRight: () => Promise<boolean>) => Promise<Pass>
  /** Accepts a recovery code, and says how many are left: `null` if just that could not be read. */
  readonly recover: (subject: Subject, code: string) => Promise<{ pass: Pass, recoveryCodesLeft: number | null }>
  /**
   * Turns two-factor authentication off, by a code of an authenticator or a recovery code.
   *
   * @param mayDisable - Default is `true`.
   * @throws {LastAuthenticatorError} if not. Then the code is not looked at.
   */
  readonly disable: (subject: Subject, code: string, mayDisable?: boolean) => Promise<void>
  /**
   * For a back office: forgets the wrong codes, and turns authenticators on again that they disabled. `false` if the
   * user has no two-factor authentication.
   */
  readonly unlock: (userId: string) => Promise<boolean>
  /**
   * For a back office: turns two-factor authentication off. Authenticators and recovery codes are gone, and every pass
   * ends. `false` if the user has no two-factor authentication.
   */
  readonly reset: (userId: string) => Promise<boolean>
  /**
   * What happened to a user, the newest first. Empty unless the option `audit` is on.
   *
   * @param page.before - Id of an event: those before it.
   * @param page.limit - 1 to 500. Default is 50.
   */
  readonly events: (
    userId: string, page?: { readonly before?: string, readonly limit?: number }
  ) => Promise<TwoFactorEvent[]>
}

export function createService (dependencies: ServiceDependencies): TwoFactorService {
  const { storage, clock, journal } = dependencies
  const passes = createPasses(dependencies)
  const moves = createMoves(dependencies, passes)
  const verification = createVerification(dependencies)
  const attempts = createAttempts(dependencies, verification)
  const setups = createSetups(dependencies, verification, passes)
  const now = () => new Date(clock())

  async function status (userId: string): Promise<UserStatus> {
    const stored = await storage.findStatus(userId)
    const lockedUntil = stored?.lockedUntil ?? null
    return {
      enabled: stored !== undefined && stored.enabledAt !== null,
      authenticators: stored?.authenticators.map(toAuthenticatorInfo) ?? [],
      recoveryCodesLeft: stored?.recoveryCodesLeft ?? 0,
      failedAttempts: stored?.failedAttempts ?? 0,
      lockedUntil: lockedUntil && lockedUntil > now() ? lockedUntil : null,
      authenticatorsDisabled: stored !== undefined && stored.disabledAt !== null
    }
  }

  async function turnOff (subject: Subject, type: 'disabled' | 'reset'): Promise<boolean> {
    const { userId } = subject
    const done = await journal.change(subject, storage => storage.reset(userId), done => done ? [type] : [])
    passes.forgetUser(userId)
    return done
  }

  return {
    passes,
    isEnabled: userId => storage.isEnabled(userId),
    status,
    beginSetup: setups.begin,
    readSetup: setups.read,
    confirm: setups.confirm,
    regenerateRecoveryCodes: setups.regenerateRecoveryCodes,
    ...createAuthenticators(dependencies, passes),
    ...createDevices(dependencies, passes),
    ...moves,
    ...createBulkImport(dependencies, moves.importSecret),
    ...createBulkSwitch(dependencies, moves.switchVerifier),
    ...createKeyRotation(dependencies),

    async verify (subject, code) {
      const pass = passes.create(subject.userId, 'totp')
      await attempts.acceptCode(subject, code, toStoredPass(pass))
      passes.remember(pass)
      return pass
    },

    async verifyBy (subject, method, isRight) {
      const pass = passes.create(subject.userId, `method:${method}`)
      await attempts.acceptProof(subject, isRight, toStoredPass(pass))
      passes.remember(pass)
      return pass
    },

    async recover (subject, code) {
      const pass = passes.create(subject.userId, 'recovery')
      await attempts.acceptRecoveryCode(subject, code, toStoredPass(pass))
      passes.remember(pass)
      // The code is used by now: the user must not lose the pass over a number.
      const recoveryCodesLeft = await status(subject.userId).then(status => status.recoveryCodesLeft, () => null)
      return { pass, recoveryCodesLeft }
    },

    async disable (subject, code, mayDisable = true) {
      if (!mayDisable) throw new LastAuthenticatorError(true)
      const accept = normalizeCode(code) === undefined ? attempts.acceptRecoveryCode : attempts.acceptCode
      await accept(subject, code)
      await turnOff(subject, 'disabled')
    },

    unlock: userId =>
      journal.change({ userId }, storage => storage.unlock(userId), done => done ? ['unlocked'] : []),

    reset: userId => turnOff({ userId }, 'reset'),

    async events (userId, { before, limit = 50 } = {}) {
      const found = await storage.findEvents(userId, { before, limit: Math.max(1, Math.min(limit, 500)) })
      return found.map(event => fromStoredEvent(userId, event))
    }
  }
}
