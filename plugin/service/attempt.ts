import { CodeReusedError, InvalidCodeError, LockedError, UnavailableError } from '../errors.js'
import type { OtpAlgorithm } from '../otp/hotp.js'
import { hashRecoveryCode, normalizeRecoveryCode } from '../otp/recovery-codes.js'
import type { AttemptRules, GrantedClaim, StoredAuthenticator, StoredPass, UsedCode } from '../storage/storage.js'
import { burntUntil, clockOffset, driftOf, followClock, resyncs } from './clocks.js'
import type { ServiceDependencies, Subject } from './dependencies.js'
import type { AttemptRecord } from './journal.js'
import { fingerprintOf, usedCodeOf, type Verification } from './verification.js'

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

  /**
   * Accepts what a method of the host calls right, and records the pass. Throws likewise.
   *
   * @param isRight - Called once the attempt is counted.
   */
  acceptProof: (subject: Subject, isRight: () => Promise<boolean>, pass: StoredPass) => Promise<void>

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
  readonly fingerprint: Uint8Array
  /** `false`: it would have fitted at another time. */
  readonly right: boolean
}

type DistantMatch = Match & { readonly step: number }

/** What the check of a code came to. */
interface Findings {
  readonly match?: Match | undefined
  readonly distant?: DistantMatch | undefined
  /** Why some authenticator could not be asked. */
  readonly unreadable: unknown
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
    if (!claim.enabled) throw new InvalidCodeError({ recovery: method === 'recovery' })
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

  function refuse (
    { claim, record }: Attempt, type: 'failed' | 'reused', why: ConstructorParameters<typeof InvalidCodeError>[0] = {}
  ): never {
    record.tell(type)
    if (claim.lockedUntil ?? claim.disabledAt) {
      record.tell(['locked', { lockedUntil: claim.disabledAt ? null : claim.lockedUntil }])
    }
    throw new InvalidCodeError(why)
  }

  /**
   * Burns a code that was right at another time: only then may the user be told, since nobody can use it any more.
   *
   * @returns How far the phone's clock is ahead, in seconds. `undefined` if the code was burnt or used before.
   */
  async function burn (
    subject: Subject, { authenticator, step, fingerprint }: DistantMatch, now: number
  ): Promise<number | undefined> {
    const authenticatorId = authenticator.id
    const usedCode = { authenticatorId, fingerprint, until: burntUntil(authenticator, step, dependencies) }
    // A failure looks like any wrong code: it would tell that there is something to burn.
    const burnt = await storage.burnCode(subject.userId, { usedCode, step, now: new Date(now) }).catch(() => false)
    if (!burnt) return undefined
    const offset = clockOffset(authenticator, step, now)
    journal.tell(subject, ['clock-off', { authenticatorId, clockOffset: offset }])
    return offset
  }

  /** @returns Where the code fits, now or at another time. */
  async function matchOf (
    subject: Subject, authenticator: StoredAuthenticator, code: string, now: number
  ): Promise<Match | undefined> {
    const key = await secrets.open('authenticator-secret', [subject.userId, authenticator.id], authenticator.secret)
    const { kind, digits, period } = authenticator
    const algorithm = authenticator.algorithm as OtpAlgorithm
    const drift = driftOf(authenticator, dependencies)
    const verdict = await verification.check(subject, { kind, key, algorithm, digits, period, drift }, code, now)
    const { right, step, distantStep } = verdict
    if (!right && distantStep === undefined) return undefined
    const fingerprint = fingerprintOf(key, code)
    const usedCode = usedCodeOf(authenticator.id, fingerprint, verdict)
    return { authenticator, key, right, step: right ? step : distantStep, usedCode, fingerprint }
  }

  /** What is known of the clock of an authenticator once this code of it is accepted. */
  function clockOf (
    { authenticator, right, step, usedCode }: Match, now: number
  ): { readonly drift?: number, readonly hintedStep?: number } {
    // A remote verifier has a tolerance of its own.
    if (step === undefined || usedCode) return {}
    if (right) return { drift: followClock(authenticator, step, now, dependencies) }
    const drift = clockOffset(authenticator, step, now) / authenticator.period
    return { drift, ...(authenticator.hint && { hintedStep: authenticator.hint.step }) }
  }

  /** A secret that is sealed with an earlier key goes over to the current one when it is used. */
  async function resealIfDue (userId: string, { authenticator, key }: Match): Promise<Uint8Array | undefined> {
    const { id, secret } = authenticator
    if (secrets.describe(secret).current) return undefined
    // A sign-in does not wait on that.
    return secrets.seal('authenticator-secret', [userId, id], key).catch(() => undefined)
  }

  /** Every authenticator is checked, so that the time taken does not tell which one matched. */
  async function findMatch (
    subject: Subject, authenticators: readonly StoredAuthenticator[], code: string, now: number
  ): Promise<Findings> {
    const results = await Promise.allSettled(
      authenticators.map(authenticator => matchOf(subject, authenticator, code, now)))
    const failures = results.filter(result => result.status === 'rejected')
    const unreadable: unknown = failures[0]?.reason
    if (failures.length > 0 && failures.length === results.length) throw unreadable

    const matches = results.flatMap(result => result.status === 'fulfilled' && result.value ? [result.value] : [])
    const isNew = ({ step, authenticator }: Match) => step === undefined || step > authenticator.lastStep
    const right = matches.filter(match => match.right)
    if (right.length > 0) return { match: right.find(isNew) ?? right[0], unreadable }

    const distant = matches.filter((match): match is DistantMatch => match.step !== undefined && isNew(match))
    const resynced = distant.find(({ authenticator, step }) => resyncs(authenticator, step, now, dependencies))
    return { match: resynced, distant: distant[0], unreadable }
  }

  return {
    async acceptCode (subject, typed, pass) {
      const code = normalizeCode(typed)
      if (code === undefined) throw new InvalidCodeError()
      const now = clock()
      const at = new Date(now)
      const attempt = await claim(subject, 'authenticator', now)
      const { match, distant, unreadable } = await check(
        subject, attempt, () => findMatch(subject, attempt.claim.authenticators, code, now))
      // The attempt stays counted: with one authenticator that cannot be read, the others could be guessed at for ever.
      if (!match && unreadable !== undefined) throw new UnavailableError({ cause: unreadable })
      if (!match) return refuse(attempt, 'failed', { clockOffset: distant && await burn(subject, distant, now) })

      const { authenticator: { id, period }, step, usedCode, fingerprint } = match
      const [resealed, clockAfter] = [await resealIfDue(subject.userId, match), clockOf(match, now)]
      const accepted = await check(subject, attempt, () => storage.acceptStep(subject.userId, {
        authenticatorId: id,
        step,
        now: at,
        disabledAt: attempt.claim.disabledAt,
        audit: attempt.record.audit,
        ...clockAfter,
        ...(usedCode ? { usedCode } : { fingerprint }),
        ...(resealed && { resealed }),
        ...(pass && { pass })
      }))
      if (!accepted) return refuse(attempt, 'reused', { cause: new CodeReusedError() })
      attempt.record.tell('verified')
      if (!match.right) {
        journal.tell(subject, ['resynced', { authenticatorId: id, clockOffset: (clockAfter.drift ?? 0) * period }])
      }
    },

    async acceptProof (subject, isRight, pass) {
      const now = clock()
      const attempt = await claim(subject, 'authenticator', now)
      const { claim: { disabledAt }, record: { audit } } = attempt
      const accepted = await check(subject, attempt, async () =>
        await isRight() && storage.acceptProof(subject.userId, { now: new Date(now), disabledAt, audit, pass }))
      if (!accepted) return refuse(attempt, 'failed')
      attempt.record.tell('verified')
    },

    async acceptRecoveryCode (subject, typed, pass) {
      const code = normalizeRecoveryCode(typed)
      if (code === undefined) throw new InvalidCodeError({ recovery: true })
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
      if (!accepted) return refuse(attempt, 'failed', { recovery: true })
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
