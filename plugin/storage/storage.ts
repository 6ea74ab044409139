/** An enrolled authenticator, as stored. */
export interface StoredAuthenticator {
  readonly id: string
  /** Which verifier checks its codes. */
  readonly kind: string
  readonly name: string
  /** Sealed secret: opaque bytes, never the raw key. */
  readonly secret: Uint8Array
  /** How the user's app was given the key. */
  readonly keyEncoding: string
  readonly algorithm: string
  readonly digits: number
  /** In seconds. */
  readonly period: number
  /** The newest time step that was accepted; this one and all before it are used. */
  readonly lastStep: number
  /** How far the app's clock is ahead, in time steps. */
  readonly drift: number
  /** The last code that was right at another time, and when it was typed. `null` once a code was accepted. */
  readonly hint: ClockHint | null
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

/** An authenticator that is about to be stored. Its clock is taken to be right. */
export type NewAuthenticator = Omit<StoredAuthenticator, 'drift' | 'hint'>

/** A code that was right at another time. */
export interface ClockHint {
  /** The time step that it belongs to. */
  readonly step: number
  /** When it was typed. */
  readonly at: Date
}

/** What proves that a client has passed, as stored: one row for each client. */
export interface StoredPass {
  /** SHA-256 of the pass id that the client's session or token holds. */
  readonly idHash: Uint8Array
  readonly method: string
  readonly passedAt: Date
  readonly expiresAt: Date
}

/**
 * A code that its verifier may call right again, and that must not count again: of the remote kind, whose answer names
 * no time step, or one whose time may yet come. Only a fingerprint of the code is known.
 */
export interface UsedCode {
  readonly authenticatorId: string
  readonly fingerprint: Uint8Array
  /** From then on the verifier itself refuses the code. */
  readonly until: Date
}

/** What is sealed: the secrets of authenticators, and the salts of recovery codes. */
export type SealedKind = 'secrets' | 'recovery-salts'

/** A sealed value, and where it is. */
export interface SealedValue {
  readonly userId: string
  /** Of the authenticator; empty for a salt. */
  readonly id: string
  readonly value: Uint8Array
}

/** Something that happened, as the audit keeps it. */
export interface StoredEvent {
  /** Rises with time, and is one for each event. */
  readonly id: string
  readonly type: string
  readonly at: Date
  readonly ip: string | null
  /** JSON. */
  readonly detail: string | null
}

/** How an attempt is kept in the audit: as failed, until it turns out to be right. */
export interface AttemptAudit {
  readonly id: string
  /** Of the event that tells of the lock, if the attempt sets one. */
  readonly lockId: string
  readonly ip: string | null
}

/** An enrolment that was taken over from elsewhere, of a user who had none yet. */
export interface ImportedEnrolment {
  readonly userId: string
  readonly authenticator: NewAuthenticator
  /** Sealed salt of the recovery codes. */
  readonly salt: Uint8Array
  /** Written with it, into the audit. */
  readonly event?: StoredEvent | undefined
}

/** Tables whose rows run out. */
export type ExpiringTable = 'passes' | 'used_codes' | 'trusted_devices'

/** Counts over all users. */
export interface Totals {
  /** Users who have two-factor authentication. */
  readonly enabled: number
  /** Those of them who are locked now. */
  readonly locked: number
  /** Those of them whose authenticators are disabled. */
  readonly disabled: number
  /** Authenticators, by the kind of their verifier. */
  readonly authenticators: Readonly<Record<string, number>>
}

/** The rules that an attempt is counted by. */
export interface AttemptRules {
  readonly now: Date
  /** Which kind of code is claimed. Authenticators are disabled at `disableAt`, recovery codes never. */
  readonly method: 'authenticator' | 'recovery'
  /** The account is locked each time the count reaches a multiple of this. */
  readonly limit: number
  /** Until when a lock lasts, by the count that it is reached at: falling counts, the first that fits counts. */
  readonly locks: ReadonlyArray<{ readonly count: number, readonly until: Date }>
  /** The count at which the authenticators are disabled for good. */
  readonly disableAt: number
  /** Writes the attempt into the audit, in the same statement. */
  readonly audit?: AttemptAudit | undefined
}

/** An attempt that was counted, with what is needed to check the code. */
export interface GrantedClaim {
  readonly granted: true
  /** Wrong codes in a row, this attempt included. */
  readonly failedAttempts: number
  /** Set if this attempt was the last one before a lock. */
  readonly lockedUntil: Date | null
  readonly disabledAt: Date | null
  /** Empty for `method: 'recovery'`. */
  readonly authenticators: readonly StoredAuthenticator[]
  /** Sealed salt of the recovery codes. */
  readonly recoverySalt: Uint8Array | null
}

/** An attempt that was not counted: no code may be checked. */
export interface RefusedClaim {
  readonly granted: false
  /** `false`: the user has no two-factor authentication; there is nothing to lock. */
  readonly enabled: boolean
  readonly lockedUntil: Date | null
  readonly disabledAt: Date | null
}

export type Claim = GrantedClaim | RefusedClaim

/** What the status of a user is made from. */
export interface StoredStatus {
  readonly enabledAt: Date | null
  readonly failedAttempts: number
  readonly lockedUntil: Date | null
  readonly disabledAt: Date | null
  readonly authenticators: readonly StoredAuthenticator[]
  /** Recovery codes that are not used. */
  readonly recoveryCodesLeft: number
}

/** A device that is not asked for a code again, as its user may see it. */
export interface StoredDevice {
  readonly id: string
  readonly label: string
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly expiresAt: Date
}

/** A token of a trusted device that a client presents. Tokens are known by their SHA-256 alone. */
export interface DeviceUse {
  readonly id: string
  readonly tokenHash: Uint8Array
  /** Of the token that takes its place. */
  readonly nextHash: Uint8Array
  readonly now: Date
  /** The token before the current one is honoured too, if it was rotated away after this. */
  readonly graceSince: Date
  readonly pass: StoredPass
}

/** A set of recovery codes. It replaces the one before as a whole. */
export interface StoredRecoveryCodes {
  /** Sealed salt of the hashes. */
  readonly salt: Uint8Array
  /** 16 bytes each. */
  readonly hashes: readonly Uint8Array[]
}

/** A confirmed setup, or an enrolment that was taken over from elsewhere: then there is no code and no pass. */
export interface Enrolment {
  readonly authenticator: NewAuthenticator
  readonly usedCode?: UsedCode
  readonly pass?: StoredPass
}

/**
 * Where enrolments live. `kyselyStorage()` is the one that comes with the package.
 *
 * Each method is atomic: it is done wholly or not at all, and of concurrent calls that compete for the same thing (a
 * time step, a recovery code, the first enrolment), in any number of processes, one alone is told that it got it.
 * A method that cannot reach the database rejects; it never answers in doubt.
 */
export interface TwoFactorStorage {
  /** Whether the user has two-factor authentication. One read by primary key: the guard asks this. */
  isEnabled (userId: string): Promise<boolean>

  /** `undefined` for a user who never had two-factor authentication. */
  findStatus (userId: string): Promise<StoredStatus | undefined>

  /**
   * Counts one attempt, unless the account is locked, and returns what is needed to check it, in one statement.
   * To be called before a code is looked at, so that parallel attempts cannot share one place in the count.
   */
  claimAttempt (userId: string, rules: AttemptRules): Promise<Claim>

  /** Takes a claimed attempt back, with the lock that it set: it was not wrong, it could not be checked. */
  refundAttempt (userId: string, claim: GrantedClaim, audit?: AttemptAudit): Promise<void>

  /**
   * Accepts a code: burns its time step, clears count, lock and hint, and records the pass, in one statement.
   * `false`, and no pass written, if this step or a later one was accepted before, or `usedCode` still stands.
   */
  acceptStep (userId: string, accepted: {
    readonly authenticatorId: string
    /** `undefined` if the verifier does not know it; then there is a `usedCode`. */
    readonly step: number | undefined
    readonly usedCode?: UsedCode
    /** Of the code: it is not accepted if {@link TwoFactorStorage.burnCode} has burnt it. */
    readonly fingerprint?: Uint8Array
    /** Step of the hint that this code confirms: it is not accepted if that no longer stands. */
    readonly hintedStep?: number
    /** How far the app's clock is ahead from now on. */
    readonly drift?: number
    /** The same secret, sealed with another key, to be stored with it. */
    readonly resealed?: Uint8Array
    /** When this very attempt disabled the authenticators, as its claim says: a right code undoes that. */
    readonly disabledAt?: Date | null
    readonly now: Date
    readonly pass?: StoredPass
    readonly audit?: AttemptAudit | undefined
  }): Promise<boolean>

  /**
   * Burns a code that was right at another time, and remembers it as the hint, in one statement. `false`, and no hint
   * written, if it was burnt before, or its step or a later one was accepted.
   */
  burnCode (userId: string, burnt: {
    readonly usedCode: UsedCode
    readonly step: number
    readonly now: Date
  }): Promise<boolean>

  /** Accepts what the host itself calls right: clears the count and the lock and records the pass, in one statement. */
  acceptProof (userId: string, accepted: {
    /** When this very attempt disabled the authenticators, as its claim says: a right code undoes that. */
    readonly disabledAt?: Date | null
    readonly now: Date
    readonly pass: StoredPass
    readonly audit?: AttemptAudit | undefined
  }): Promise<boolean>

  /** Accepts a recovery code likewise, once. `false`, and nothing written, if there is no such unused code. */
  acceptRecoveryCode (userId: string, accepted: {
    readonly hash: Uint8Array
    readonly now: Date
    readonly pass?: StoredPass
    readonly audit?: AttemptAudit | undefined
  }): Promise<boolean>

  /** Turns two-factor authentication on. `false`, and nothing written, if it is on already. */
  enable (userId: string, enrolment: Enrolment & { readonly recoveryCodes: StoredRecoveryCodes }): Promise<boolean>

  /**
   * Adds an authenticator to those of a user who has two-factor authentication, and revokes all earlier passes.
   * Authenticators that were disabled for too many wrong codes are replaced by it. None is added twice.
   */
  addAuthenticator (
    userId: string, enrolment: Enrolment, maxAuthenticators: number
  ): Promise<'added' | 'full' | 'known' | 'not-enabled'>

  /** `false` if the user has no such authenticator. */
  renameAuthenticator (userId: string, id: string, name: string): Promise<boolean>

  /**
   * Removes an authenticator, with what is known of its used codes, and revokes all passes but one. Without the last
   * one, two-factor authentication is off as after {@link reset}. Of concurrent removals one alone meets the last one.
   *
   * @param details.keepLast - The last one stays: then the answer is `last`, and nothing is written.
   * @param details.keepPass - `idHash` of the pass of the client that does it. It stays if it counted until then.
   */
  removeAuthenticator (
    userId: string, id: string, details: { readonly keepLast: boolean, readonly keepPass?: Uint8Array }
  ): Promise<'removed' | 'disabled' | 'last' | 'unknown'>

  /** Has other verifiers check these authenticators from now on. How many of them the user has. */
  setKind (userId: string, authenticatorIds: readonly string[], kind: string): Promise<number>

  /** `false` if the user has no two-factor authentication. */
  replaceRecoveryCodes (userId: string, codes: StoredRecoveryCodes): Promise<boolean>

  /** The pass, if it is recorded and was not revoked. One read by primary key. */
  findPass (userId: string, idHash: Uint8Array): Promise<StoredPass | undefined>

  /** Revokes one pass. */
  endPass (userId: string, idHash: Uint8Array): Promise<void>

  /**
   * Trusts a device, on the strength of a pass that counts still. `false`, and nothing written, if it does not. Forgets
   * devices that ran out.
   *
   * @param trusted.replaces - Id of the device that this client was until now.
   */
  trustDevice (userId: string, trusted: {
    readonly device: Omit<StoredDevice, 'lastUsedAt'> & { readonly tokenHash: Uint8Array }
    readonly passIdHash: Uint8Array
    readonly replaces?: string | undefined
    readonly now: Date
  }): Promise<boolean>

  /**
   * Takes the token of a trusted device, in one statement:
   * - `rotated`: it was the current one, or the one before within the grace with the same successor. The successor is
   *   the current one now, and the pass is recorded.
   * - `overtaken`: it was the one before within the grace, and another successor took its place. The pass is recorded.
   * - `reused`: it was rotated away earlier. The device is worth nothing from now on, and the passes that it gave end.
   * - `refused`: there is no such device of this user, it ran out, the user's authenticators changed since or are
   *   disabled. Nothing is written.
   */
  useDevice (userId: string, use: DeviceUse): Promise<'rotated' | 'overtaken' | 'reused' | 'refused'>

  /** The devices that are trusted, the oldest first. */
  listDevices (userId: string, now: Date): Promise<StoredDevice[]>

  /** Revokes one device, or all without an id, and the passes that they gave. The ids of those that there were. */
  revokeDevices (userId: string, id?: string): Promise<string[]>

  /** Clears the count and the lock, and turns disabled authenticators on again. `false` if there is no such user. */
  unlock (userId: string): Promise<boolean>

  /** Turns two-factor authentication off: forgets authenticators and recovery codes and revokes every pass. */
  reset (userId: string): Promise<boolean>

  /**
   * Makes a change, and writes the events of it in the same transaction.
   *
   * @param change - Makes one call of the storage that it is given.
   * @param events - What happened, by the answer of the change.
   */
  withEvents<Result> (
    userId: string,
    change: (storage: TwoFactorStorage) => Promise<Result>,
    events: (result: Result) => readonly StoredEvent[]
  ): Promise<Result>

  /** Writes events of no change. One that is there already turns out to be of another type. */
  recordEvents (userId: string, events: readonly StoredEvent[]): Promise<void>

  /** The newest events of a user first, before an id. */
  findEvents (
    userId: string, page: { readonly before?: string | undefined, readonly limit: number }
  ): Promise<StoredEvent[]>

  /** Forgets events of all users that are older, so many of them. How many there were. */
  pruneEvents (until: Date, limit: number): Promise<number>

  /** How many values of all users begin with which five bytes. A look at the whole table. */
  countSealed (kind: SealedKind): Promise<Array<{ readonly mark: Uint8Array, readonly count: number }>>

  /** Values of all users that do not begin with a mark, ordered by user and id, those after another one. */
  listSealed (kind: SealedKind, page: {
    readonly exceptMark: Uint8Array
    readonly after?: Pick<SealedValue, 'userId' | 'id'> | undefined
    readonly limit: number
  }): Promise<SealedValue[]>

  /** Replaces values, each one if it is still what it was. How many were. */
  replaceSealed (
    kind: SealedKind, values: ReadonlyArray<SealedValue & { readonly replacement: Uint8Array }>
  ): Promise<number>

  /**
   * Turns two-factor authentication on for many users, one after another in the order of their ids. The answer has the
   * ids of the users for whom it did, and, in `known`, of those who have this authenticator already; it leaves every
   * other user who is there as they are. No user id may come twice.
   */
  enableAll (enrolments: readonly ImportedEnrolment[]): Promise<{
    readonly enabled: ReadonlySet<string>
    readonly known: ReadonlySet<string>
  }>

  /**
   * Has this kind of verifier check all authenticators of these users from now on. How many were of another kind, by
   * the users who had such; the event is written for those.
   */
  setKindOfAll (
    kind: string, users: ReadonlyArray<{ readonly userId: string, readonly event?: StoredEvent | undefined }>
  ): Promise<ReadonlyMap<string, number>>

  /** Users with an authenticator of another kind than this one, ordered by id, those after one. */
  listOtherKinds (
    kind: string, page: { readonly after?: string | undefined, readonly limit: number }
  ): Promise<string[]>

  /**
   * Forgets the rows that ran out of so many users, those after one. Rows that a statement of a sign-in holds stay.
   *
   * @returns How many there were, and the last user that was looked at: `undefined` at the end.
   */
  pruneExpired (table: ExpiringTable, page: {
    readonly now: Date
    readonly after?: string | undefined
    readonly limit: number
  }): Promise<{ readonly deleted: number, readonly last: string | undefined }>

  /** A look at the whole tables. */
  countTotals (now: Date): Promise<Totals>

  /**
   * The sealed secret of some authenticator: at start it shows whether the keys fit the database.
   * Rejects with a {@link BadOptionError} if the tables are missing.
   */
  sampleSecret (): Promise<{ readonly userId: string, readonly id: string, readonly secret: Uint8Array } | undefined>
}
