import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { AuthenticatorLimitError, BadOptionError, BadSecretError } from '../errors.js'
import { decodeBase32 } from '../otp/base32.js'
import type { OtpAlgorithm } from '../otp/hotp.js'
import type { StoredAuthenticator } from '../storage/storage.js'
import type { CodeParameters, KeyEncoding, Verifier } from '../verifiers/verifier.js'
import type { ServiceDependencies } from './dependencies.js'
import type { Happening } from './journal.js'
import type { Passes } from './passes.js'

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

export interface Moves {
  /**
   * Takes an enrolment over from another system: the user's app keeps working, and two-factor authentication is on. The
   * user has no recovery codes until a set is made.
   *
   * @returns `false` if the user has this secret already: an import can be run again.
   * @throws {BadSecretError}
   * @throws {AuthenticatorLimitError}
   */
  importSecret: (userId: string, imported: ImportedSecret) => Promise<boolean>

  /**
   * Has another verifier check the user's authenticators from now on, such as `local` instead of a remote one. The
   * user's app keeps working.
   *
   * @returns How many authenticators were moved.
   * @throws {BadOptionError} if the registration has no such verifier.
   * @throws {BadSecretError} if it cannot check one of them. Then none is moved.
   */
  switchVerifier: (userId: string, kind: string) => Promise<number>
}

// As much as the weakest of the common ones has; new secrets have 160 (RFC 4226, R6).
const minSecretBytes = 10

export function createMoves (dependencies: ServiceDependencies, passes: Passes): Moves {
  const { storage, secrets, verifiers, maxAuthenticators, clock, journal } = dependencies

  function verifierOf (kind: string): Verifier {
    const verifier = verifiers.get(kind)
    if (!verifier) throw new BadOptionError('verifier', `a list that has the verifier "${kind}"`)
    return verifier
  }

  function open (userId: string, { id, secret }: StoredAuthenticator): Promise<Uint8Array> {
    return secrets.open('authenticator-secret', [userId, id], secret)
  }

  return {
    async importSecret (userId, given) {
      const { secret, encoding = 'base32', kind = 'local', name = 'Authenticator app', algorithm = 'SHA1' } = given
      const { digits = 6, period = 30 } = given
      const key = decodeSecret(secret, encoding)
      checkParameters({ algorithm, digits, period })
      if (digits !== 6 && digits !== dependencies.digits) throw new BadSecretError(`set the option digits to ${digits}`)
      const objection = verifierOf(kind).objection?.({ key, algorithm, digits, period })
      if (objection !== undefined) throw new BadSecretError(objection)

      const { authenticators: enrolled = [], disabledAt = null } = await storage.findStatus(userId) ?? {}
      if (disabledAt) throw new BadSecretError('the user made too many wrong codes: call unlock or reset first')
      const known = await Promise.all(enrolled.map(authenticator => open(userId, authenticator)))
      if (known.some(other => isSame(other, key))) return false

      const now = new Date(clock())
      const id = importId(userId, key)
      const sealed = await secrets.seal('authenticator-secret', [userId, id], key)
      const parameters = { keyEncoding: encoding, algorithm, digits, period }
      const authenticator = {
        id, kind, name, secret: sealed, ...parameters, lastStep: 0, createdAt: now, lastUsedAt: null
      }
      const salt = await secrets.seal('recovery-salt', [userId], randomBytes(32))
      const imported: Happening = ['imported', { authenticatorId: id }]
      const enabled = await journal.change({ userId },
        storage => storage.enable(userId, { authenticator, recoveryCodes: { salt, hashes: [] } }),
        enabled => enabled ? [imported] : [])
      if (!enabled) {
        const result = await journal.change({ userId },
          storage => storage.addAuthenticator(userId, { authenticator }, maxAuthenticators),
          result => result === 'added' ? [imported] : [])
        if (result === 'full') throw new AuthenticatorLimitError()
        if (result !== 'added') return false
      }
      passes.forgetUser(userId)
      return true
    },

    async switchVerifier (userId, kind) {
      const verifier = verifierOf(kind)
      const moving = (await storage.findStatus(userId))?.authenticators.filter(other => other.kind !== kind) ?? []
      if (moving.length === 0) return 0
      for (const { algorithm, digits, period, ...authenticator } of moving) {
        const key = await open(userId, { algorithm, digits, period, ...authenticator })
        const objection = verifier.objection?.({ key, algorithm: algorithm as OtpAlgorithm, digits, period })
        if (objection !== undefined) throw new BadSecretError(objection)
      }
      return journal.change({ userId }, storage => storage.setKind(userId, moving.map(({ id }) => id), kind),
        moved => moved > 0 ? [['verifier-switched', { verifier: kind }]] : [])
    }
  }
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

function isSame (a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && timingSafeEqual(a, b)
}
