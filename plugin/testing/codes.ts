import { decodeBase32 } from '../otp/base32.js'
import type { OtpAlgorithm } from '../otp/hotp.js'
import { findStep, totp } from '../otp/totp.js'

/** A moment: a clock, a `Date`, or milliseconds since the epoch. */
export type Moment = (() => number) | Date | number

/** How the codes of a secret are made, where it does not say so itself as an `otpauth:` URI does. */
export interface CodeOptions {
  /** Default is `SHA1`. */
  readonly algorithm?: OtpAlgorithm
  /** Default is 6. */
  readonly digits?: number
  /** Length of a time step, in seconds. Default is 30. */
  readonly period?: number
}

/** What an authenticator app knows once it has scanned a QR code. */
export interface CodeSource extends Required<CodeOptions> {
  readonly key: Uint8Array
}

/**
 * The code that an authenticator app shows at a moment.
 *
 * @param source - A secret in Base32, or an `otpauth:` URI, which says itself how its codes are made.
 * @param options.steps - So many codes later; negative: earlier. Default is 0.
 * @throws {TypeError} if the source is neither.
 */
export function codeAt (
  source: string, moment: Moment, { steps = 0, ...options }: CodeOptions & { readonly steps?: number } = {}
): string {
  const { key, ...parameters } = readSource(source, options)
  return totp(key, timeOf(moment) + steps * parameters.period * 1000, { ...parameters, window: 0 })
}

/** A code that is wrong now and for ten minutes before and after: not just late, but never to be right. */
export function wrongCodeAt (source: string, moment: Moment, options: CodeOptions = {}): string {
  const { key, ...parameters } = readSource(source, options)
  const { digits, period } = parameters
  const now = timeOf(moment)
  for (let code = 0; ; code++) {
    const text = String(code).padStart(digits, '0')
    if (findStep(key, text, now, { ...parameters, window: Math.ceil(600 / period) + 1 }) === undefined) return text
  }
}

/** @throws {TypeError} if the source is neither a secret in Base32 nor an `otpauth:` URI. */
export function readSource (
  source: string, { algorithm = 'SHA1', digits = 6, period = 30 }: CodeOptions = {}
): CodeSource {
  if (!source.startsWith('otpauth:')) return { key: keyOf(source), algorithm, digits, period }
  const query = new URL(source).searchParams
  return {
    key: keyOf(query.get('secret') ?? ''),
    algorithm: algorithmOf(query.get('algorithm') ?? algorithm),
    digits: Number(query.get('digits') ?? digits),
    period: Number(query.get('period') ?? period)
  }
}

export function timeOf (moment: Moment): number {
  return typeof moment === 'function' ? moment() : Number(moment)
}

function keyOf (secret: string): Uint8Array {
  const key = decodeBase32(secret)
  if (key.length === 0) throw new TypeError('There is no secret: pass one in Base32, or an otpauth: URI')
  return key
}

function algorithmOf (name: string): OtpAlgorithm {
  const known = (['SHA1', 'SHA256', 'SHA512'] as const).find(algorithm => algorithm === name.toUpperCase())
  if (!known) throw new TypeError(`There is no algorithm ${name}`)
  return known
}
