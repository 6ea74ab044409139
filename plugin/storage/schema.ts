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
  created_at: Date
  last_used_at: Date | null
}

export interface TwoFactorRecoveryCodesTable {
  user_id: string
  hash: Uint8Array
  used_at: Date | null
}

export interface TwoFactorPassesTable {
  user_id: string
  id_hash: Uint8Array
  generation: number
  method: string
  passed_at: Date
  expires_at: Date
}

/** Codes that a remote verifier would call right again. Swept with each code that is accepted. */
export interface TwoFactorUsedCodesTable {
  user_id: string
  authenticator_id: string
  fingerprint: Uint8Array
  expires_at: Date
}

/** The tables of the package. A host that queries them merges this into its own `Database` interface. */
export interface TwoFactorDatabase {
  two_factor_users: TwoFactorUsersTable
  two_factor_authenticators: TwoFactorAuthenticatorsTable
  two_factor_recovery_codes: TwoFactorRecoveryCodesTable
  two_factor_passes: TwoFactorPassesTable
  two_factor_used_codes: TwoFactorUsedCodesTable
}
