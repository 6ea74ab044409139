import { createError } from '@fastify/error'

// What the class adds to a code goes to the client as well: `headers` are sent by Fastify's own error handler.

/** A registration option is missing or wrong. Thrown at boot, never per request. */
export class BadOptionError extends createError<'FST_2FA_BAD_OPTION', 500, [option: string, expected: string]>(
  'FST_2FA_BAD_OPTION', 'Option "%s" of fastify-authenticator-2fa must be %s', 500, TypeError as ErrorConstructor) {}

/** Nobody is signed in: `getUser` answered null. */
export class UnauthenticatedError extends createError<'FST_2FA_UNAUTHENTICATED', 401, []>(
  'FST_2FA_UNAUTHENTICATED', 'Sign in first', 401) {}

/** The user has two-factor authentication, and this client has not passed it, or not recently enough. */
export class RequiredError extends createError<'FST_2FA_REQUIRED', 403, []>(
  'FST_2FA_REQUIRED', 'Enter the code from your authenticator app to go on', 403) {
  /** Where the client can pass; part of the JSON body. */
  readonly verifyUrl: string

  constructor (verifyUrl: string) {
    super()
    this.verifyUrl = verifyUrl
  }
}

/** The route wants two-factor authentication, and the user has not set it up. */
export class SetupRequiredError extends createError<'FST_2FA_SETUP_REQUIRED', 403, []>(
  'FST_2FA_SETUP_REQUIRED', 'Set up two-factor authentication to go on', 403) {
  /** Where the user can set it up; part of the JSON body. */
  readonly setupUrl: string

  constructor (setupUrl: string) {
    super()
    this.setupUrl = setupUrl
  }
}

/**
 * The code is wrong or out of date. Users without two-factor authentication get the same answer, and so do used
 * codes (then `cause` is a {@link CodeReusedError}), so that nobody learns which of these it was. A code that was right
 * at another time is told from them, once it can no longer be used.
 */
export class InvalidCodeError extends createError<'FST_2FA_INVALID_CODE', 401, [options?: { cause: unknown }]>(
  'FST_2FA_INVALID_CODE', 'That code is not right. Wait for the next one and try again', 401) {
  /** How far the phone's clock is ahead, in seconds, negative if it is behind; part of the JSON body. */
  readonly clockOffset: number | undefined

  /** Whether it was taken for a recovery code. */
  readonly recovery: boolean

  constructor ({ clockOffset, recovery = false, ...options }: {
    clockOffset?: number | undefined, recovery?: boolean, cause?: unknown
  } = {}) {
    super(...('cause' in options ? [{ cause: options.cause }] : []))
    this.clockOffset = clockOffset
    this.recovery = recovery
    if (recovery) this.message = 'That recovery code is not right, or was used before. Try another one'
    if (clockOffset !== undefined) this.message = clockMessage(clockOffset)
  }
}

function clockMessage (offset: number): string {
  if (offset === 0) return 'The clock of your phone used to be off and is right now. Wait for the next code and enter that'
  const seconds = Math.abs(offset)
  const minutes = Math.round(seconds / 60)
  const about = seconds < 60 ? `${seconds} seconds` : minutes === 1 ? '1 minute' : `${minutes} minutes`
  return `The clock of your phone seems to be about ${about} ${offset > 0 ? 'ahead' : 'behind'}. ` +
    'Set its date and time to automatic, then enter a new code'
}

/** The code was used before (RFC 6238 section 5.2). Only ever the `cause` of an {@link InvalidCodeError}. */
export class CodeReusedError extends createError<'FST_2FA_CODE_REUSED', 401, []>(
  'FST_2FA_CODE_REUSED', 'That code was used before', 401) {}

/** Too many wrong codes in a row: this account takes no code for now. */
export class LockedError extends createError<'FST_2FA_LOCKED', 429, []>(
  'FST_2FA_LOCKED', 'Too many wrong codes. Wait, then try again', 429) {
  /** Time to wait, in whole seconds. */
  readonly retryAfter: number
  readonly headers: { 'retry-after': string }
  /** Whether it is no use to wait. */
  readonly disabled: boolean

  /** @param disabled - The authenticators are off for good (NIST SP 800-63B-4 section 3.2.2): no use to wait. */
  constructor (retryAfter: number, disabled = false) {
    super()
    this.retryAfter = retryAfter
    this.headers = { 'retry-after': String(retryAfter) }
    this.disabled = disabled
    if (disabled) this.message = 'Too many wrong codes. Use a recovery code, or ask support to unlock your account'
  }
}

/** Too many requests from one address. */
export class TooManyRequestsError extends createError<'FST_2FA_TOO_MANY_REQUESTS', 429, []>(
  'FST_2FA_TOO_MANY_REQUESTS', 'Too many requests. Wait, then try again', 429) {}

/** The user has no two-factor authentication to change. */
export class NotEnabledError extends createError<'FST_2FA_NOT_ENABLED', 409, []>(
  'FST_2FA_NOT_ENABLED', 'Two-factor authentication is not set up', 409) {}

/** A first setup was confirmed after another one had won. */
export class AlreadyEnabledError extends createError<'FST_2FA_ALREADY_ENABLED', 409, []>(
  'FST_2FA_ALREADY_ENABLED', 'Two-factor authentication is already on. Sign in with it to add an authenticator', 409) {}

/** The user has as many authenticators as `maxAuthenticators` allows. */
export class AuthenticatorLimitError extends createError<'FST_2FA_AUTHENTICATOR_LIMIT', 409, []>(
  'FST_2FA_AUTHENTICATOR_LIMIT', 'You have as many authenticators as you can have. Remove one first', 409) {}

/** The user has no authenticator of this id. One of somebody else gets the same answer. */
export class UnknownAuthenticatorError extends createError<'FST_2FA_UNKNOWN_AUTHENTICATOR', 404, []>(
  'FST_2FA_UNKNOWN_AUTHENTICATOR', 'You have no such authenticator', 404) {}

/** Without its last authenticator two-factor authentication would be off, and this user has to have it. */
export class LastAuthenticatorError extends createError<'FST_2FA_LAST_AUTHENTICATOR', 409, []>(
  'FST_2FA_LAST_AUTHENTICATOR', 'Your account must keep two-factor authentication. Add another authenticator before you remove the last one', 409) {
  /** Whether it was to be turned off as a whole. */
  readonly turnOff: boolean

  /** @param turnOff - It was to be turned off as a whole: another authenticator would not help. */
  constructor (turnOff = false) {
    super()
    this.turnOff = turnOff
    if (turnOff) this.message = 'Your account must keep two-factor authentication. It cannot be turned off'
  }
}

/** The user has no trusted device of this id. */
export class UnknownDeviceError extends createError<'FST_2FA_UNKNOWN_DEVICE', 404, []>(
  'FST_2FA_UNKNOWN_DEVICE', 'You have no such trusted device. It may have been revoked before', 404) {}

/** The admin routes are not for this client: the host's guard did not let it through. */
export class ForbiddenError extends createError<'FST_2FA_FORBIDDEN', 403, []>(
  'FST_2FA_FORBIDDEN', 'This is for administrators', 403) {}

/** The user that the admin routes were asked about has no two-factor authentication. */
export class UnknownUserError extends createError<'FST_2FA_UNKNOWN_USER', 404, []>(
  'FST_2FA_UNKNOWN_USER', 'This user has no two-factor authentication', 404) {}

/** A secret from another system, or one that is to be moved to another verifier, does not fit. Nothing was written. */
export class BadSecretError extends createError<'FST_2FA_BAD_SECRET', 400, [reason: string]>(
  'FST_2FA_BAD_SECRET', 'This secret cannot be taken over: %s', 400) {}

/** The host has no such method for this user. */
export class UnknownMethodError extends createError<'FST_2FA_UNKNOWN_METHOD', 404, []>(
  'FST_2FA_UNKNOWN_METHOD', 'There is no such way to prove it. Use a code from your authenticator app', 404) {}

/** There is no pending setup: it expired, was confirmed before, or belongs to somebody else. */
export class SetupExpiredError extends createError<'FST_2FA_SETUP_EXPIRED', 410, []>(
  'FST_2FA_SETUP_EXPIRED', 'This setup has expired. Start again and scan the new QR code', 410) {}

/** A JSON body has a key twice, so that two readers could disagree about what it says. */
export class MalformedBodyError extends createError<'FST_2FA_MALFORMED_BODY', 400, []>(
  'FST_2FA_MALFORMED_BODY', 'Body must be a JSON object that has each key once', 400) {}

/** A browser sent an unsafe request from another site, or without saying from where. */
export class CrossOriginError extends createError<'FST_2FA_CROSS_ORIGIN', 403, []>(
  'FST_2FA_CROSS_ORIGIN', 'This request did not come from this site. Open the page here and try again', 403) {}

/**
 * The storage, the session store or a remote verifier did not do its part: nobody is let in. `cause` has the reason.
 */
export class UnavailableError extends createError<'FST_2FA_UNAVAILABLE', 503, [options: { cause: unknown }]>(
  'FST_2FA_UNAVAILABLE', 'Two-factor authentication is not available right now. Try again in a moment', 503) {
  readonly headers = { 'retry-after': '5' } as const
}
