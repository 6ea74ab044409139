import type { SecretBox } from '../secrets/secret-box.js'
import type { TwoFactorStorage } from '../storage/storage.js'
import type { Verifier } from '../verifiers/verifier.js'
import type { ClockRules } from './clocks.js'
import type { Journal } from './journal.js'

/** How wrong codes are counted. All of it is per account, whoever asks and from wherever. */
export interface Lockout {
  /** Wrong codes in a row before a lock, and between one lock and the next. */
  readonly attempts: number
  /** Length of the first lock, in milliseconds. It doubles with each further one. */
  readonly duration: number
  /** Length that locks grow to, in milliseconds. */
  readonly maxDuration: number
  /** Wrong codes in a row that disable the authenticators for good (NIST SP 800-63B-4 section 3.2.2: at most 100). */
  readonly disableAfter: number
}

/** What the use cases need. No HTTP, no SQL, no network: those are behind these interfaces. */
export interface ServiceDependencies extends ClockRules {
  readonly storage: TwoFactorStorage
  readonly secrets: SecretBox
  /** Checks new enrolments. */
  readonly verifier: Verifier
  /** By kind: who checks the enrolments that there are. */
  readonly verifiers: ReadonlyMap<string, Verifier>
  readonly issuer: string
  readonly algorithm: 'SHA1' | 'SHA256' | 'SHA512'
  readonly digits: number
  readonly period: number
  readonly lockout: Lockout
  /** In milliseconds. */
  readonly setupTtl: number
  readonly recoveryCodes: number
  readonly maxAuthenticators: number
  /** In milliseconds. */
  readonly passTtl: number
  /** In seconds. */
  readonly revalidate: number
  /** How long a device is trusted, in milliseconds. */
  readonly trustedDevices: { readonly ttl: number } | false
  /** In milliseconds since the epoch. */
  readonly clock: () => number
  readonly journal: Journal
}

/** Whose second factor it is, and where the request comes from. */
export interface Subject {
  readonly userId: string
  readonly ip?: string
  /** Aborted when the client has gone. */
  readonly signal?: AbortSignal
}
