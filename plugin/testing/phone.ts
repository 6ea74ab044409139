import { timeStep, totp } from '../otp/totp.js'
import { readSource, timeOf, type CodeOptions, type Moment } from './codes.js'

/** An authenticator app that has scanned the QR code. */
export interface TestPhone {
  /**
   * A code that it has not shown yet, since each one is taken once: the current one, then the next one, which the
   * default `window` allows for.
   *
   * @throws {RangeError} if both were shown. Move the clock on by a `period` then.
   */
  code: () => string
}

/**
 * @param source - A secret in Base32, or an `otpauth:` URI, which says itself how its codes are made.
 * @param clock - Default is `Date.now`.
 * @throws {TypeError} if the source is neither.
 */
export function createTestPhone (source: string, clock: Moment = Date.now, options: CodeOptions = {}): TestPhone {
  const { key, ...parameters } = readSource(source, options)
  let shown = -1

  return {
    code () {
      const current = timeStep(timeOf(clock), parameters.period)
      const step = Math.max(current, shown + 1)
      if (step > current + 1) throw new RangeError(`The codes up to the next one were shown. Move the clock on by ${parameters.period} seconds`)
      shown = step
      return totp(key, step * parameters.period * 1000, { ...parameters, window: 0 })
    }
  }
}
