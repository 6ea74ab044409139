import { CodeReusedError, InvalidCodeError, LockedError, UnavailableError } from '../errors.js'
import type { OtpAlgorithm } from '../otp/hotp.js'
import { hashRecoveryCode, normalizeRecoveryCode } from '../otp/recovery-codes.js'
import type { AttemptRules, GrantedClaim, StoredAuthenticator, StoredPass, UsedCode } from '../storage/storage.js'
import type { ServiceDependencies, Subject } from './dependencies.js'
import type { AttemptRecord } from './journal.js'
import { usedCodeOf, type Verification } from './verification.js'

/** Claim, then check: the one way in which a code of an enrolled user is looked at. */
export interface Attempts {
  /**
   * Accepts a code of one of the user's authenticators, once, and records the pass with it.
   *
   * @throws {InvalidCodeError} also if the code was used before, or the user has no two-factor authentication.
   * @throws {LockedError}
   * @throws {UnavailableError} The attempt is not counted then.
   */
  acceptCode: (subject: Subject, code: string, pass?: StoredPass) => Promise<void>

  /** Accepts a recovery code likewise. */
  acceptRecoveryCode: (subject: Subject, code: string, pass?: StoredPass) => Promise<void>
}

/** An attempt that was counted. */
interface Attempt {
  readonly claim: GrantedClaim
  readonly record: AttemptRecord
}

/** Where a code fits. */
interface Match {
  readonly authenticator: StoredAuthenticator
  readonly key: Uint8Array
  readonly step: number | undefined
  readonly usedCode: UsedCode | undefined
}

export function createAttempts (dependencies: ServiceDependencies, verification: Verification): Attempts {
  const { storage, secrets, lockout, clock, journal } = dependencies

  async function claim (subject: Subject, method: AttemptRules['method'], now: number): Promise<Attempt> {
    const record = journal.attempt(subject)
    const claim = await storage.claimAttempt(subject.userId, {
      now: new Date(now),
      method,
      limit: lockout.attempts,
      locks: lockLadder(lockout, now),
      disableAt: lockout.disableAfter,
      audit: record.audit
    })
    if (claim.granted) return { claim, record }
    if (!claim.enabled) throw new InvalidCodeError()
    if (claim.disabledAt && method === 'authenticator') throw new LockedError(lockout.maxDuration / 1000, true)
    // A clock that stepped back makes a lock look longer than any lock is.
    const left = Math.min((claim.lockedUntil?.getTime() ?? now + lockout.duration) - now, lockout.maxDuration)
    throw new LockedError(Math.max(1, Math.ceil(left / 1000)))
  }

  /** Runs the check of a claimed attempt. One that could not be checked at all was not wrong, and is given back. */
  async function check<Result> (
    subject: Subject, { claim, record }: Attempt, task: () => Promise<Result>
  ): Promise<Result> {
    try {
      return await task()
    } catch (cause) {
      // A client that leaves before the verdict is not given its attempt back: it could ask without end.
      if (!subject.signal?.aborted) await storage.refundAttempt(subject.userId, claim, record.audit)
      throw cause instanceof UnavailableError ? cause : new UnavailableError({ cause })
    }
  }

  function refuse ({ claim, record }: Attempt, type: 'failed' | 'reused'): never {
    record.tell(type)
    if (claim.lockedUntil ?? claim.disabledAt) {
      record.tell(['locked', { lockedUntil: claim.disabledAt ? null : claim.lockedUntil }])
    }
    throw type === 'reused' ? new InvalidCodeError({ cause: new CodeReusedError() }) : new InvalidCodeError()
  }

  async function matchOf (
    subject: Subject, authenticator: StoredAuthenticator, code: string, now: number
  ): Promise<Match | undefined> {
    const key = await secrets.open('authenticator-secret', [subject.userId, authenticator.id], authenticator.secret)
    const { kind, digits, period } = authenticator
    const algorithm = authenticator.algorithm as OtpAlgorithm
    const verdict = await verification.check(subject, { kind, key, algorithm, digits, period }, code, now)
    if (!verdict.right) return undefined
    return { authenticator, key, step: verdict.step, usedCode: usedCodeOf(authenticator.id, key, code, verdict) }
  }

  /** A secret that is sealed with an earlier key goes over to the current one when it is used. */
  async function resealIfDue (userId: string, { authenticator, key }: Match): Promise<Uint8Array | undefined> {
    const { id, secret } = authenticator
    if (secrets.describe(secret).current) return undefined
    // A sign-in does not wait on that.
    return secrets.seal('authenticator-secret', [userId, id], key).catch(() => undefined)
  }

  /**
   * Every authenticator is checked, so that the time taken does not tell which one matched.
   *
   * @returns Where the code fits, and why some authenticator could not be asked.
   */
  async function findMatch (
    subject: Subject, authenticators: readonly StoredAuthenticator[], code: string, now: number
  ): Promise<{ readonly match: Match | undefined, readonly unreadable: unknown }> {
    const results = await Promise.allSettled(
      authenticators.map(authenticator => matchOf(subject, authenticator, code, now)))
    const failures = results.filter(result => result.status === 'rejected')
    const unreadable: unknown = failures[0]?.reason
    if (failures.length > 0 && failures.length === results.length) throw unreadable

    const matches = results.flatMap(result => result.status === 'fulfilled' && result.value ? [result.value] : [])
    const isNew = ({ step, authenticator }: Match) => step === undefined || step > authenticator.lastStep
    return { match: matches.find(isNew) ?? matches[0], unreadable }
  }

  return {
    async acceptCode (subject, typed, pass) {
      const code = normalizeCode(typed)
      if (code === undefined) throw new InvalidCodeError()
      const now = clock()
      const at = new Date(now)
      const attempt = await claim(subject, 'authenticator', now)
      const { match, unreadable } = await check(
        subject, attempt, () => findMatch(subject, attempt.claim.authenticators, code, now))
      // The attempt stays counted: with one authenticator that cannot be read, the others could be guessed at for ever.
      if (!match && unreadable !== undefined) throw new UnavailableError({ cause: unreadable })
      if (!match) return refuse(attempt, 'failed')

      const { authenticator, step, usedCode } = match
      const resealed = await resealIfDue(subject.userId, match)
      const accepted = await check(subject, attempt, () => storage.acceptStep(subject.userId, {
        authenticatorId: authenticator.id,
        step,
        now: at,
        audit: attempt.record.audit,
        ...(usedCode && { usedCode }),
        ...(resealed && { resealed }),
        ...(pass && { pass })
      }))
      if (!accepted) return refuse(attempt, 'reused')
      attempt.record.tell('verified')
    },

    async acceptRecoveryCode (subject, typed, pass) {
      const code = normalizeRecoveryCode(typed)
      if (code === undefined) throw new InvalidCodeError()
      const now = clock()
      const at = new Date(now)
      const attempt = await claim(subject, 'recovery', now)
      const { claim: { recoverySalt }, record: { audit } } = attempt
      const accepted = await check(subject, attempt, async () => {
        if (recoverySalt === null) return false
        const salt = await secrets.open('recovery-salt', [subject.userId], recoverySalt)
        const hash = await hashRecoveryCode(code, salt)
        return storage.acceptRecoveryCode(subject.userId, { hash, now: at, audit, ...(pass && { pass }) })
      })
      if (!accepted) return refuse(attempt, 'failed')
      attempt.record.tell('recovered')
    }
  }
}

/** The digits of a code as people type it ("123 456"), or `undefined` for what no app shows: that is not evaluated. */
export function normalizeCode (typed: string): string | undefined {
  const digits = typed.length <= 32 ? typed.replace(/[\s-]/g, '') : ''
  return /^\d{6,8}$/.test(digits) ? digits : undefined
}

/** The locks that may be set now: doubling from the first, up to the longest. */
function lockLadder (
  { attempts, duration, maxDuration }: ServiceDependencies['lockout'], now: number
): AttemptRules['locks'] {
  const locks: Array<AttemptRules['locks'][number]> = []
  for (let count = attempts, length = duration; ; count += attempts, length *= 2) {
    locks.unshift({ count, until: new Date(now + Math.min(length, maxDuration)) })
    if (length >= maxDuration) return locks
  }
}
