// What the routes answer, as it comes out of the JSON: times are text (ISO 8601). That each of these is what the schema
// of its route says, is checked by the compiler (test/routes/drift.ts).

/** An enrolled authenticator. */
export interface Authenticator {
  readonly id: string
  /** Which verifier checks its codes: `local`, or the kind of another one. */
  readonly kind: string
  readonly name: string
  /** Length of its codes. */
  readonly digits: number
  readonly createdAt: string
  readonly lastUsedAt: string | null
}

/** The state of the signed-in user's two-factor authentication, as this client may know it. */
export interface Status {
  readonly enabled: boolean
  /** Whether this client has passed. */
  readonly verified: boolean
  readonly verifiedAt: string | null
  /** `null` for a client that has not passed. */
  readonly authenticators: readonly Authenticator[] | null
  /** `null` likewise. */
  readonly recoveryCodesLeft: number | null
  /** No code is taken before then. */
  readonly lockedUntil: string | null
  /** Whether the user has to have two-factor authentication now. */
  readonly required: boolean
  /** Since when, or from when on, if the host named a date. */
  readonly requiredFrom: string | null
  /** Days until then. `null` if there is nothing to wait for. */
  readonly daysLeft: number | null
}

/** What the user needs to enrol an authenticator. Show it, and keep it nowhere. */
export interface PendingSetup {
  /** The secret in Base32, for typing by hand. */
  readonly secret: string
  /** `otpauth:` URI, as the QR code has it. On a phone, a link to it opens the app. */
  readonly uri: string
  /** The QR code as an SVG element. */
  readonly qrSvg: string
  /** From then on, a code no longer confirms this setup. */
  readonly expiresAt: string
  /** With `bearerProof()` alone. The client keeps it for `confirmSetup`. */
  readonly setupToken?: string
}

export interface ConfirmedSetup {
  readonly enabled: true
  /** Shown this once. Empty for a further authenticator. */
  readonly recoveryCodes: readonly string[]
  /** With `bearerProof()` alone. The client keeps and sends it. */
  readonly proofToken?: string
}

export interface Verified {
  readonly verified: true
  /** With `bearerProof()` alone. The client keeps and sends it. */
  readonly proofToken?: string
}

export interface Recovered extends Verified {
  /** `null` if just that could not be read. */
  readonly recoveryCodesLeft: number | null
}

export interface RemovedAuthenticator {
  readonly removed: true
  /** `false`: it was the last one, and two-factor authentication is off. */
  readonly enabled: boolean
}

/** A trusted device: it is not asked for a code. */
export interface Device {
  readonly id: string
  /** Browser and system, as the device named itself. */
  readonly label: string
  readonly createdAt: string
  readonly lastUsedAt: string | null
  readonly expiresAt: string
  /** It is the client that asks. */
  readonly current: boolean
}

/** Another way to pass that the host brings. */
export interface Method {
  readonly name: string
  /** Text for a link or a button. */
  readonly label: string
}
