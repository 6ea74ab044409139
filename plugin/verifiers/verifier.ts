/** A code to check, and what it is checked against. */
export interface CodeToCheck {
  /** Shared secret, raw bytes. */
  readonly key: Uint8Array
  /** Digits, as typed but for spaces. */
  readonly code: string
  /** In milliseconds since the epoch. */
  readonly now: number
  readonly algorithm: 'SHA1' | 'SHA256' | 'SHA512'
  readonly digits: number
  /** Length of a time step, in seconds. */
  readonly period: number
  /** Time steps accepted before and after the current one. */
  readonly window: number
}

/** Decides whether a code belongs to a secret (NIST SP 800-63B-4: the verifier). */
export interface Verifier {
  /** Recorded with each enrolment that it confirmed. */
  readonly kind: string

  /**
   * @returns The time step to burn, or `undefined` if the code is wrong. Steps of one secret must rise with time.
   * @throws If no answer could be had. It never answers "right" in doubt.
   */
  check (code: CodeToCheck): number | undefined | Promise<number | undefined>
}
