import type { Generated } from 'kysely'

/** One row for each user who has or had two-factor authentication. */
export interface TwoFactorUsersTable {
  user_id: string
  /** Null while two-factor authentication is off. The row stays, so that `generation` never repeats. */
  enabled_at: Date | null
  /** Wrong codes in a row. */
  failed_attempts: Generated<number>
  locked_until: Date | null
  /** Set when too many wrong codes in a row turned the authenticators off. */
  disabled_at: Date | null
  /** Rises when passes are revoked: those of an earlier generation are worth nothing. */
  generation: Generated<number>
  recovery_salt: Uint8Array | null
  /** Of the recovery codes that are not used, 16 bytes each. Null or empty without any. */
  recovery_hashes: Uint8Array | null
  created_at: Date
}

export interface TwoFactorAuthenticatorsTable {
  user_id: string
  id: string
  kind: string
  name: string
  secret: Uint8Array
  key_encoding: string
  algorithm: string
  digits: number
  /** In seconds. */
  period: number
  /** `bigint`: the driver may answer a string. */
  last_step: number | string
  /** How far the app's clock is ahead, in time steps, as its codes have shown. */
  drift: Generated<number>
  /** Of the last code that was right at another time, until a code is accepted, and when it was typed. */
  hinted_step: Generated<number | string | null>
  hinted_at: Generated<Date | null>
  created_at: Date
  last_used_at: Date | null
}

export interface TwoFactorPassesTable {
  user_id: string
  id_hash: Uint8Array
  generation: number
  method: string
  passed_at: Date
  expires_at: Date
  /** The trusted device that it came of; it ends with that. */
  device_id: Generated<string | null>
}

/**
 * Codes that must not count again: that a remote verifier would call right, or that were right at another time. Swept
 * whenever one is added.
 */
export interface TwoFactorUsedCodesTable {
  user_id: string
  authenticator_id: string
  fingerprint: Uint8Array
  expires_at: Date
}

/** Devices that are not asked for a code again. Swept with each one that is trusted. */
export interface TwoFactorTrustedDevicesTable {
  user_id: string
  id: string
  /** Of the user when the device was trusted. With another one it is worth nothing; 0 never is the user's. */
  generation: number
  token_hash: Uint8Array
  /** Of the token before, which is honoured for a moment after `rotated_at`. */
  previous_hash: Uint8Array | null
  rotated_at: Date
  label: string
  created_at: Date
  last_used_at: Date | null
  expires_at: Date
}

/** What happened, for the audit. It holds neither a code nor a secret. */
export interface TwoFactorEventsTable {
  user_id: string
  /** Rises with time. */
  id: string
  type: string
  at: Date
  ip: string | null
  /** JSON. */
  detail: string | null
}

/**
 * The tables of the package. A host that queries them merges this into its own `Database` interface. On SQLite and
 * MySQL what is a `Date` here is milliseconds since the epoch in the table.
 */
export interface TwoFactorDatabase {
  two_factor_users: TwoFactorUsersTable
  two_factor_authenticators: TwoFactorAuthenticatorsTable
  two_factor_passes: TwoFactorPassesTable
  two_factor_used_codes: TwoFactorUsedCodesTable
  two_factor_events: TwoFactorEventsTable
  two_factor_trusted_devices: TwoFactorTrustedDevicesTable
}
