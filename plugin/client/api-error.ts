/**
 * What tells refusals apart: codes of the plugin, those of Fastify for what is malformed, and two of the client's own:
 * `NETWORK_FAILURE`, the host was not reached, and `UNEXPECTED_ANSWER`, what answered is not the plugin.
 */
export type TwoFactorErrorCode =
  | 'FST_2FA_UNAUTHENTICATED'
  | 'FST_2FA_REQUIRED'
  | 'FST_2FA_SETUP_REQUIRED'
  | 'FST_2FA_INVALID_CODE'
  | 'FST_2FA_LOCKED'
  | 'FST_2FA_TOO_MANY_REQUESTS'
  | 'FST_2FA_NOT_ENABLED'
  | 'FST_2FA_ALREADY_ENABLED'
  | 'FST_2FA_AUTHENTICATOR_LIMIT'
  | 'FST_2FA_UNKNOWN_AUTHENTICATOR'
  | 'FST_2FA_LAST_AUTHENTICATOR'
  | 'FST_2FA_UNKNOWN_DEVICE'
  | 'FST_2FA_UNKNOWN_METHOD'
  | 'FST_2FA_SETUP_EXPIRED'
  | 'FST_2FA_MALFORMED_BODY'
  | 'FST_2FA_CROSS_ORIGIN'
  | 'FST_2FA_UNAVAILABLE'
  | 'FST_ERR_VALIDATION'
  | 'FST_ERR_CTP_INVALID_JSON_BODY'
  | 'FST_ERR_CTP_BODY_TOO_LARGE'
  | 'FST_ERR_CTP_INVALID_MEDIA_TYPE'
  | 'NETWORK_FAILURE'
  | 'UNEXPECTED_ANSWER'

/** A code of an error handler of the host's. */
type OtherCode = string & Record<never, never>

export interface ApiErrorDetails {
  readonly code: TwoFactorErrorCode | OtherCode
  readonly status: number
  readonly retryAfter?: number | undefined
  readonly verifyUrl?: string | undefined
  readonly setupUrl?: string | undefined
  readonly clockOffset?: number | undefined
  readonly cause?: unknown
}

/** The host refused, was not reached, or answered something else. Its `message` says what to do. */
export class TwoFactorApiError extends Error implements ApiErrorDetails {
  readonly code: TwoFactorErrorCode | OtherCode
  /** HTTP status; 0 if there was no answer. */
  readonly status: number
  /** Seconds to wait, with `FST_2FA_LOCKED`, `FST_2FA_TOO_MANY_REQUESTS` and `FST_2FA_UNAVAILABLE`. */
  readonly retryAfter: number | undefined
  /** Where the user can pass, with `FST_2FA_REQUIRED`. */
  readonly verifyUrl: string | undefined
  /** Where the user can set it up, with `FST_2FA_SETUP_REQUIRED`. */
  readonly setupUrl: string | undefined
  /** With `FST_2FA_INVALID_CODE`: seconds that the clock of the phone seems to be ahead; negative: behind. */
  readonly clockOffset: number | undefined

  constructor (message: string, details: ApiErrorDetails) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined)
    this.name = 'TwoFactorApiError'
    this.code = details.code
    this.status = details.status
    this.retryAfter = details.retryAfter
    this.verifyUrl = details.verifyUrl
    this.setupUrl = details.setupUrl
    this.clockOffset = details.clockOffset
  }
}
