import { findStep } from '../otp/totp.js'
import { BadParameterError, TooManyValidationsError } from './errors.js'
import type { ResolvedOptions } from './options.js'
import { secretOf } from './secret-code.js'
import { createValidationLimit } from './validation-limit.js'

/** Says whether a pin belongs to a SecretCode now. */
export type Validate = (pin: string, secretCode: string) => boolean

/**
 * Makes what checks pins. Nothing but six digits is ever right; spaces around them are forgiven.
 *
 * It keeps no record of the accounts behind the SecretCodes, so it takes a right pin as often as it is asked: to refuse
 * the second use (RFC 6238 section 5.2) is up to the client.
 */
export function createValidation (
  { tolerance, codeLimit, clock }: Pick<ResolvedOptions, 'tolerance' | 'codeLimit' | 'clock'>
): Validate {
  const count = codeLimit && createValidationLimit(codeLimit, clock)

  return (pin, secretCode) => {
    const secret = secretOf(secretCode)
    if (pin.length > 64) throw new BadParameterError('Pin must have at most 64 characters')
    // Counted before it is checked, so that no number of requests at once gets more answers.
    const wait = count ? count(secret) : 0
    if (wait > 0) throw new TooManyValidationsError(Math.ceil(wait / 1000))

    const parameters = { algorithm: 'SHA1', digits: 6, period: 30, window: tolerance } as const
    return findStep(secret, pin.trim(), clock(), parameters) !== undefined
  }
}
