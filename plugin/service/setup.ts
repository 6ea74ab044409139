import { randomBytes } from 'node:crypto'
import {
  AlreadyEnabledError, AuthenticatorLimitError, InvalidCodeError, SetupExpiredError
} from '../errors.js'
import { encodeBase32 } from '../otp/base32.js'
import { keyUri } from '../otp/key-uri.js'
import { qrSvg } from '../otp/qr.js'
import { generateRecoveryCodes, hashRecoveryCode, normalizeRecoveryCode } from '../otp/recovery-codes.js'
import type { Enrolment, StoredRecoveryCodes } from '../storage/storage.js'
import type { Verdict } from '../verifiers/verifier.js'
import { normalizeCode } from './attempt.js'
import { clockOffset } from './clocks.js'
import type { ServiceDependencies, Subject } from './dependencies.js'
import type { Happening } from './journal.js'
import { toStoredPass, type Pass, type Passes } from './passes.js'
import { fingerprintOf, usedCodeOf, type Verification } from './verification.js'

/** What the user needs to enrol an authenticator. Show it, and keep it nowhere. */
export interface PendingSetup {
  /** The secret in Base32, for typing by hand. */
  readonly secret: string
  /** `otpauth:` URI, as the QR code has it. */
  readonly uri: string
  /** The QR code as an SVG element with a white ground of its own. */
  readonly qrSvg: string
  /** From then on, a code no longer confirms this setup. */
  readonly expiresAt: Date
}

export interface Setups {
  /**
   * Makes a secret, tells a remote verifier, and seals it. Nothing is written: an abandoned setup leaves no trace.
   *
   * @param first - It is to be the user's first authenticator.
   * @throws {UnavailableError}
   */
  begin: (subject: Subject, label: string, first: boolean) => Promise<string>
  /** What a sealed setup holds, or `undefined` if it expired or is not this user's. */
  read: (userId: string, label: string, sealed: string) => Promise<PendingSetup | undefined>
  /**
   * Turns a pending setup into an authenticator, by its first code.
   *
   * @returns The recovery codes: a new set with the first authenticator, none with a further one.
   * @throws {SetupExpiredError}
   * @throws {InvalidCodeError}
   * @throws {AlreadyEnabledError} if it was to be the first one, and another setup was confirmed meanwhile.
   * @throws {AuthenticatorLimitError}
   */
  confirm: (subject: Subject, sealed: string, code: string, name: string | undefined, pass: Pass) => Promise<string[]>
  /** Replaces the recovery codes. `undefined` if the user has no two-factor authentication. */
  regenerateRecoveryCodes: (subject: Subject) => Promise<string[] | undefined>
}

interface Sealed {
  readonly id: string
  readonly kind: string
  readonly secret: string
  readonly expiresAt: number
  readonly first: boolean
}

// RFC 6238 section 5.1: as long as the output of the HMAC; RFC 4226 R6 recommends 160 bits.
const secretLength = { SHA1: 20, SHA256: 32, SHA512: 64 } as const

// One among those of a user: a UUID would take a tenth of all that is stored of one.
const newAuthenticatorId = () => randomBytes(6).toString('hex')

export function createSetups (
  dependencies: ServiceDependencies, verification: Verification, passes: Passes
): Setups {
  const { storage, secrets, verifier, issuer, algorithm, digits, period, setupTtl, clock, journal } = dependencies

  async function open (userId: string, sealed: string): Promise<Sealed | undefined> {
    const bytes = Buffer.from(sealed, 'base64url')
    try {
      const opened = await secrets.open('pending-setup', [userId], bytes)
      const pending = JSON.parse(Buffer.from(opened).toString()) as Sealed
      return pending.expiresAt > clock() ? pending : undefined
    } catch (error) {
      if (secrets.describe(bytes).by === 'cipher') throw error
      // Whatever the client holds that does not open, it can only start again.
      return undefined
    }
  }

  async function makeRecoveryCodes (userId: string): Promise<{ codes: string[], stored: StoredRecoveryCodes }> {
    const codes = generateRecoveryCodes(dependencies.recoveryCodes)
    const salt = randomBytes(32)
    const hashes = await Promise.all(codes.map(code => hashRecoveryCode(normalizeRecoveryCode(code) ?? '', salt)))
    return { codes, stored: { salt: await secrets.seal('recovery-salt', [userId], salt), hashes } }
  }

  async function enable (subject: Subject, enrolment: Enrolment): Promise<string[]> {
    const { codes, stored } = await makeRecoveryCodes(subject.userId)
    const enabled = await journal.change(subject,
      storage => storage.enable(subject.userId, { ...enrolment, recoveryCodes: stored }),
      enabled => enabled ? [confirmed(enrolment)] : [])
    if (!enabled) throw new AlreadyEnabledError()
    return codes
  }

  async function add (subject: Subject, enrolment: Enrolment): Promise<string[]> {
    const result = await journal.change(subject,
      storage => storage.addAuthenticator(subject.userId, enrolment, dependencies.maxAuthenticators),
      result => result === 'added' ? [confirmed(enrolment)] : [])
    if (result === 'full') throw new AuthenticatorLimitError()
    if (result !== 'added') throw new SetupExpiredError()
    return []
  }

  /** Whoever confirms was shown the secret, so a code of another time tells them nothing: it need not be burnt. */
  function wrongCode (subject: Subject, { distantStep }: Verdict, now: number): InvalidCodeError {
    if (distantStep === undefined) return new InvalidCodeError()
    const offset = clockOffset({ period }, distantStep, now)
    journal.mention(subject, ['clock-off', { clockOffset: offset }])
    return new InvalidCodeError({ clockOffset: offset })
  }

  const confirmed = ({ authenticator }: Enrolment): Happening => ['setup-confirmed', { authenticatorId: authenticator.id }]

  return {
    async begin (subject, label, first) {
      const key = verifier.createKey?.() ?? randomBytes(secretLength[algorithm])
      await verification.pair(subject, { key, issuer, label, algorithm, digits, period })
      const pending: Sealed = {
        id: newAuthenticatorId(),
        kind: verifier.kind,
        secret: Buffer.from(key).toString('base64url'),
        expiresAt: clock() + setupTtl,
        first
      }
      // Not in the audit: until it is confirmed, a setup leaves no trace.
      journal.mention(subject, 'setup-started')
      const sealed = await secrets.seal('pending-setup', [subject.userId], Buffer.from(JSON.stringify(pending)))
      return Buffer.from(sealed).toString('base64url')
    },

    async read (userId, label, sealed) {
      const pending = await open(userId, sealed)
      if (!pending) return undefined
      const secret = Buffer.from(pending.secret, 'base64url')
      const uri = keyUri({ issuer, label, secret, algorithm, digits, period })
      return { secret: encodeBase32(secret), uri, qrSvg: qrSvg(uri), expiresAt: new Date(pending.expiresAt) }
    },

    async confirm (subject, sealed, code, name, pass) {
      const { userId } = subject
      const pending = await open(userId, sealed)
      if (!pending) throw new SetupExpiredError()

      const now = clock()
      const at = new Date(now)
      const { id, kind } = pending
      const key = Buffer.from(pending.secret, 'base64url')
      // Not counted as an attempt on the account: whoever holds the pending setup was shown its secret.
      const typed = normalizeCode(code)
      if (typed === undefined) throw new InvalidCodeError()
      const verdict = await verification.check(subject, { kind, key, algorithm, digits, period }, typed, now)
      if (!verdict.right) throw wrongCode(subject, verdict, now)
      if (pending.first && await storage.isEnabled(userId)) throw new AlreadyEnabledError()

      const authenticator = {
        id,
        kind,
        name: name ?? 'Authenticator app',
        secret: await secrets.seal('authenticator-secret', [userId, id], key),
        keyEncoding: verification.verifierOf(kind).keyEncoding ?? 'base32',
        algorithm,
        digits,
        period,
        // The code that confirms is used with it (RFC 6238 section 5.2).
        lastStep: verdict.step ?? 0,
        createdAt: at,
        lastUsedAt: at
      }
      const usedCode = usedCodeOf(id, fingerprintOf(key, typed), verdict)
      const enrolment = { authenticator, pass: toStoredPass(pass), ...(usedCode && { usedCode }) }
      const codes = await (pending.first ? enable(subject, enrolment) : add(subject, enrolment))
      passes.forgetUser(userId)
      passes.remember(pass)
      return codes
    },

    async regenerateRecoveryCodes (subject) {
      const { codes, stored } = await makeRecoveryCodes(subject.userId)
      const done = await journal.change(subject, storage => storage.replaceRecoveryCodes(subject.userId, stored),
        done => done ? ['recovery-codes-regenerated'] : [])
      return done ? codes : undefined
    }
  }
}
