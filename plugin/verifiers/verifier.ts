/** How a secret is written where it leaves the host: in Base32, as its own ASCII characters, or in hex digits. */
export type KeyEncoding = 'base32' | 'ascii' | 'hex'

/** What the codes of a secret are made with. */
export interface CodeParameters {
  readonly algorithm: 'SHA1' | 'SHA256' | 'SHA512'
  readonly digits: number
  /** Length of a time step, in seconds. */
  readonly period: number
}

/** A code to check, and what it is checked against. */
export interface CodeToCheck extends CodeParameters {
  /** Shared secret, raw bytes. */
  readonly key: Uint8Array
  /** Digits, as typed but for spaces. */
  readonly code: string
  /** In milliseconds since the epoch. */
  readonly now: number
  /** Time steps accepted before and after the current one. A remote verifier may have a tolerance of its own. */
  readonly window: number
  /** How far the app's clock is known to be ahead, in time steps: the window is around that. Default is 0. */
  readonly drift?: number
  /** Aborted when nobody waits for the verdict any more. */
  readonly signal?: AbortSignal | undefined
}

export interface Verdict {
  readonly right: boolean
  /** Time step of a right code, if it is known: this one, and all before it, are used then. Steps rise with time. */
  readonly step?: number | undefined
  /**
   * Of a code that is not right: the time step up to 10 minutes away that it belongs to, if there is one. The user is
   * told that the clock of the phone is off, and the code is burnt.
   */
  readonly distantStep?: number | undefined
  /**
   * Until when the verifier would call this code right again, in milliseconds since the epoch. Absent if the step alone
   * tells. A verdict of "right" has this or a step.
   */
  readonly repeatableUntil?: number
  /** The code was checked in this process, since the remote verifier was out of reach. */
  readonly fallback?: true
}

/** A secret that is about to be shown to its user. */
export interface Pairing extends CodeParameters {
  readonly key: Uint8Array
  readonly issuer: string
  readonly label: string
  readonly signal?: AbortSignal | undefined
}

/** Decides whether a code belongs to a secret (NIST SP 800-63B-4: the verifier). */
export interface Verifier {
  /** Recorded with each enrolment that it confirmed: it checks that one's codes from then on. */
  readonly kind: string

  /** How the secrets that it makes are written. Default is `base32`. */
  readonly keyEncoding?: KeyEncoding

  /** Makes the secret of a new enrolment. Default is random bytes, as many as the HMAC has. */
  createKey? (): Uint8Array

  /** Why it cannot check the codes of such a secret, as a sentence; `undefined` if it can. Default: it can. */
  objection? (secret: CodeParameters & { readonly key?: Uint8Array }): string | undefined

  /** Tells the verifier of a new secret. @throws If it cannot be had: then nothing is shown to the user. */
  pair? (pairing: Pairing): Promise<Pick<Verdict, 'fallback'>>

  /** @throws If no verdict could be had. It never says "right" in doubt. */
  check (code: CodeToCheck): Verdict | Promise<Verdict>

  /** Called when the app closes. */
  close? (): Promise<void>
}
