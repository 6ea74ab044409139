import { encodeBase32 } from './base32.js'
import type { OtpAlgorithm } from './hotp.js'

export interface KeyUriParameters {
  /** Name of the service. Must not contain a colon. */
  issuer: string
  /** Name of the account, such as an e-mail address. */
  label: string
  /** Shared secret, raw bytes. */
  secret: Uint8Array
  /** Hash function of the HMAC. */
  algorithm: OtpAlgorithm
  /** Length of the code. */
  digits: number
  /** Length of one time step, in seconds. */
  period: number
}

/**
 * Writes the URI that an authenticator app reads from the QR code (Google's Key URI format).
 *
 * It holds the secret: keep it out of logs, of caches and of other people's QR services.
 *
 * @throws {TypeError} if the issuer contains a colon.
 *
 * @example
 * otpauth://totp/Acme:ada%40example.com?secret=GEZDGNBVGY3TQOJQ&issuer=Acme&algorithm=SHA1&digits=6&period=30
 */
export function keyUri ({ issuer, label, secret, algorithm, digits, period }: KeyUriParameters): string {
  // The first colon ends the issuer, also when it is percent-encoded: one inside would move that boundary.
  // The format forbids it in the label too, but users choose their names; there it comes second and cannot mislead.
  if (issuer.includes(':')) throw new TypeError('The issuer must not contain a colon')

  return `otpauth://totp/${encode(issuer)}:${encode(label)}?secret=${encodeBase32(secret)}` +
    `&issuer=${encode(issuer)}&algorithm=${algorithm}&digits=${digits}&period=${period}`
}

/**
 * Percent-encodes all but the unreserved characters of RFC 3986 section 2.3.
 * A space is `%20`: many apps show a `+` as it is.
 */
function encode (text: string): string {
  // encodeURIComponent throws on half a surrogate pair, such as a name cut after so many characters.
  return encodeURIComponent(text.replace(/\p{Surrogate}/gu, '\ufffd'))
    .replace(/[!'()*]/g, character => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
}
