import { createHmac, randomBytes } from 'node:crypto'
import { BadOptionError, BadSecretError } from '../errors.js'
import { decodeBase32 } from '../otp/base32.js'
import type { OtpAlgorithm } from '../otp/hotp.js'
import type { SecretBox } from '../secrets/secret-box.js'
import type { NewAuthenticator } from '../storage/storage.js'
import type { CodeParameters, KeyEncoding, Verifier } from '../verifiers/verifier.js'

/** A secret that the user's app has already. */
export interface ImportedSecret {
  /** As the other system wrote it. At least 80 bits. */
  readonly secret: string
  /** How it is written. AuthenticatorAPI.com's SecretCode is `ascii`. Default is `base32`. */
  readonly encoding?: KeyEncoding
  /** Which verifier checks its codes from now on. Default is `local`. */
  readonly kind?: string
  /** Default is `Authenticator app`. */
  readonly name?: string
  /** Default is `SHA1`. */
  readonly algorithm?: OtpAlgorithm
  /** Length of its codes: 6, or what the option `digits` says. Default is 6. */
  readonly digits?: number
  /** In seconds. Default is 30. */
  readonly period?: number
}

/** An {@link ImportedSecret} that fits, in the words of the storage. */
export interface CheckedSecret extends CodeParameters {
  readonly key: Uint8Array
  readonly keyEncoding: KeyEncoding
  readonly kind: string
  readonly name: string
}

type Verifiers = ReadonlyMap<string, Verifier>

// As much as the weakest of the common ones has; new secrets have 160 (RFC 4226, R6).
const minSecretBytes = 10

/**
 * Reads a secret of another system, and completes it with the defaults.
 *
 * @throws {BadSecretError} with nothing of the secret in it.
 * @throws {BadOptionError} if the registration has no such verifier.
 */
export function checkImportedSecret (
  given: ImportedSecret, { verifiers, digits: longest }: { readonly verifiers: Verifiers, readonly digits: number }
): CheckedSecret {
  const { secret, encoding = 'base32', kind = 'local', name = 'Authenticator app', algorithm = 'SHA1' } = given
  const { digits = 6, period = 30 } = given
  const key = decodeSecret(secret, encoding)
  checkParameters({ algorithm, digits, period })
  if (digits !== 6 && digits !== longest) throw new BadSecretError(`set the option digits to ${digits}`)
  const objection = verifierOf(verifiers, kind).objection?.({ key, algorithm, digits, period })
  if (objection !== undefined) throw new BadSecretError(objection)
  return { key, keyEncoding: encoding, kind, name, algorithm, digits, period }
}

/** The authenticator of such a secret, and the salt of the recovery codes that its user may make. */
export async function sealImported (
  secrets: SecretBox, userId: string, { key, ...checked }: CheckedSecret, now: Date
): Promise<{ readonly authenticator: NewAuthenticator, readonly salt: Uint8Array }> {
  const id = importId(userId, key)
  const secret = await secrets.seal('authenticator-secret', [userId, id], key)
  return {
    authenticator: { id, ...checked, secret, lastStep: 0, createdAt: now, lastUsedAt: null },
    salt: await secrets.seal('recovery-salt', [userId], randomBytes(32))
  }
}

/** @throws {BadOptionError} if the registration has no such verifier. */
export function verifierOf (verifiers: Verifiers, kind: string): Verifier {
  const verifier = verifiers.get(kind)
  if (!verifier) throw new BadOptionError('verifier', `a list that has the verifier "${kind}"`)
  return verifier
}

/**
 * The same for the same secret, so that of two imports at once one finds it there; and too short to find a weak secret
 * by in a copy of the database.
 */
function importId (userId: string, key: Uint8Array): string {
  const mac = createHmac('sha256', key).update(`fastify-authenticator-2fa/v1/import/${userId}`).digest('hex')
  return `imported-${mac.slice(0, 8)}`
}

function checkParameters ({ algorithm, digits, period }: CodeParameters): void {
  if (!['SHA1', 'SHA256', 'SHA512'].includes(algorithm)) {
    throw new BadSecretError('algorithm must be "SHA1", "SHA256" or "SHA512"')
  }
  if (!Number.isInteger(digits) || digits < 6 || digits > 8) throw new BadSecretError('digits must be from 6 to 8')
  if (!Number.isInteger(period) || period < 15 || period > 120) {
    throw new BadSecretError('period must be from 15 to 120 seconds')
  }
}

/** @throws {BadSecretError} with nothing of the secret in it. */
function decodeSecret (secret: unknown, encoding: unknown): Uint8Array {
  if (typeof secret !== 'string') throw new BadSecretError('it must be a string')
  const key = decode(secret, encoding)
  if (key.length < minSecretBytes) throw new BadSecretError('it has less than 80 bits: enrol this user anew')
  return key
}

function decode (secret: string, encoding: unknown): Uint8Array {
  switch (encoding) {
    case 'base32':
      try {
        return decodeBase32(secret)
      } catch (error) {
        throw new BadSecretError((error as Error).message)
      }
    case 'ascii':
      if (!/^[ -~]*$/.test(secret)) throw new BadSecretError('it must consist of printable ASCII characters')
      return Buffer.from(secret, 'latin1')
    case 'hex':
      if (!/^(?:[0-9a-f]{2})*$/i.test(secret)) throw new BadSecretError('it must consist of pairs of hex digits')
      return Buffer.from(secret, 'hex')
    default:
      throw new BadSecretError('its encoding must be "base32", "ascii" or "hex"')
  }
}
