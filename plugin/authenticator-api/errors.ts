import { createError } from '@fastify/error'

// Their messages go to the client as they stand. None repeats anything that was sent.

/** A parameter is missing, malformed, too long or there twice. */
export class BadParameterError extends createError<'FST_2FA_API_BAD_PARAMETER', 400, [message: string]>(
  'FST_2FA_API_BAD_PARAMETER', '%s', 400) {}

/** There is nothing at this path. */
export class UnknownPathError extends createError<'FST_2FA_API_UNKNOWN_PATH', 404, []>(
  'FST_2FA_API_UNKNOWN_PATH', 'There is nothing here. Try /pair.aspx, /Validate.aspx, /qr.aspx or /api.asmx', 404) {}

/** This path takes other methods. */
export class BadMethodError extends createError<'FST_2FA_API_BAD_METHOD', 405, [allowed: string]>(
  'FST_2FA_API_BAD_METHOD', 'Use one of these methods: %s', 405) {
  readonly headers: { allow: string }

  /** @param allowed - As in the `Allow` header (RFC 9110 section 10.2.1). */
  constructor (allowed: string) {
    super(allowed)
    this.headers = { allow: allowed }
  }
}

/**
 * One SecretCode was validated too often. It is no `False`: a client must be able to tell "wrong" from "not looked at".
 */
export class TooManyValidationsError extends createError<'FST_2FA_API_TOO_MANY_VALIDATIONS', 429, []>(
  'FST_2FA_API_TOO_MANY_VALIDATIONS', 'Too many validations of this SecretCode. Wait, then try again', 429) {
  readonly headers: { 'retry-after': string }

  /** @param retryAfter - Time to wait, in whole seconds. */
  constructor (retryAfter: number) {
    super()
    this.headers = { 'retry-after': String(retryAfter) }
  }
}
