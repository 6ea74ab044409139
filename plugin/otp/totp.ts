import { timingSafeEqual } from 'node:crypto'
import { hotp, truncatedHmacs, type OtpAlgorithm } from './hotp.js'

export interface TotpParameters {
  /** Hash function of the HMAC. */
  algorithm: OtpAlgorithm
  /** Length of the code, 6 to 8. */
  digits: number
  /** Length of one time step, in seconds. */
  period: number
  /** Steps accepted on each side of the current one. */
  window: number
}

// One pair for all calls: each is filled and read without a pause in between.
const typed = new Uint32Array(1)
const expected = new Uint32Array(1)

/**
 * Computes the number of the time step that a moment falls in (RFC 6238 section 4.2, with T0 = 0).
 *
 * @param now - Current time, in milliseconds since the epoch.
 * @param period - Length of one step, in seconds.
 * @throws {RangeError} if the clock is broken: the codes of some other time must not pass in its stead.
 */
export function timeStep (now: number, period: number): number {
  const step = Math.floor(now / (period * 1000))
  if (!Number.isSafeInteger(step) || step < 0) {
    throw new RangeError('The clock must return milliseconds since 1970')
  }
  return step
}

/**
 * Computes the current code (RFC 6238 section 4).
 *
 * @param key - Shared secret, raw bytes.
 * @param now - Current time, in milliseconds since the epoch.
 */
export function totp (key: Uint8Array, now: number, { algorithm, digits, period }: TotpParameters): string {
  return hotp(key, timeStep(now, period), algorithm, digits)
}

/** How far away the steps are looked at whose codes are right at another time, in seconds. */
export const reach = 600

/**
 * Finds the time step near now whose code equals `code`: up to 10 minutes away. No code counts by that.
 *
 * @param now - Current time, in milliseconds since the epoch.
 * @returns The matching step, the newest if there are several, or `undefined`.
 */
export function findDistantStep (
  key: Uint8Array, code: string, now: number, parameters: Omit<TotpParameters, 'window'>
): number | undefined {
  return findStep(key, code, now, { ...parameters, window: Math.floor(reach / parameters.period) })
}

/**
 * Finds the time step whose code equals `code` (RFC 6238 section 5.2).
 *
 * Returns the step, not a boolean: the caller must burn it, since a verifier
 * must not accept the same code twice (same section).
 *
 * @param key - Shared secret, raw bytes.
 * @param code - Digits as typed; anything else is a wrong code.
 * @param now - Current time, in milliseconds since the epoch.
 * @returns The matching step, or `undefined`.
 */
export function findStep (
  key: Uint8Array, code: string, now: number, { algorithm, digits, period, window }: TotpParameters
): number | undefined {
  const current = timeStep(now, period)
  if (code.length !== digits || !/^[0-9]+$/.test(code)) return undefined

  // As numbers: of two codes with the same number of digits, no two are the same number.
  typed[0] = Number(code)
  const modulus = 10 ** digits
  let found: number | undefined

  // Always the whole window, so that timing does not tell which step matched.
  const first = Math.max(0, current - window)
  for (const [index, value] of truncatedHmacs(key, first, current + window, algorithm).entries()) {
    expected[0] = value % modulus
    // If two steps share the code, the newest wins: to burn the older one would leave the code good for the other.
    if (timingSafeEqual(typed, expected)) found = first + index
  }

  return found
}
