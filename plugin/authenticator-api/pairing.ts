import { encodeBase32 } from '../otp/base32.js'
import { keyUri } from '../otp/key-uri.js'
import { BadParameterError } from './errors.js'
import { secretOf } from './secret-code.js'

/** What a client asks to pair. */
export interface PairingRequest {
  /** Name of the service: 1 to 64 characters, none of them a colon. */
  readonly appName: string
  /** Name of the account: 1 to 128 characters. */
  readonly appInfo: string
  readonly secretCode: string
}

/** What an authenticator app needs to know of a SecretCode. */
export interface Pairing {
  /** The key in Base32, to type by hand. */
  readonly manualSetupCode: string
  /** A link around the QR code's image. Clients cut the key and the image's address out of it. */
  readonly html: string
}

/**
 * Writes the pairing as the public service does, but with the image on this server.
 *
 * @param base - Where clients reach this server: safe in a single-quoted attribute, and without a slash at its end.
 * @throws {BadParameterError} if a name is too long, or the service's has a colon: in the QR code that ends the name.
 */
export function createPairing ({ appName, appInfo, secretCode }: PairingRequest, base: string): Pairing {
  const secret = secretOf(secretCode)
  checkLength('AppName', appName, 64)
  checkLength('AppInfo', appInfo, 128)
  if (appName.includes(':')) throw new BadParameterError('AppName must not contain a colon')

  const manualSetupCode = encodeBase32(secret)
  const uri = keyUri({ issuer: appName, label: appInfo, secret, algorithm: 'SHA1', digits: 6, period: 30 })
  // The URI has no character that encodeURIComponent leaves alone and HTML does not: the quote is escaped in it.
  const image = `${base}/qr.aspx?size=300x300&data=${encodeURIComponent(uri)}`
  return {
    manualSetupCode,
    html: `<a title='Manually pair with ${manualSetupCode}' href='${base}'><img src='${image}' border=0></a>`
  }
}

function checkLength (name: string, value: string, max: number): void {
  if (value.length < 1 || value.length > max) throw new BadParameterError(`${name} must have 1 to ${max} characters`)
}
