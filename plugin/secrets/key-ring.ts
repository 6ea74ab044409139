import { createCipheriv, createDecipheriv, createSecretKey, hkdfSync, randomBytes, type KeyObject } from 'node:crypto'
import { BadOptionError, UnavailableError } from '../errors.js'

/** What a sealed value is for. A value sealed for one purpose opens for no other. */
export type Purpose = 'authenticator-secret' | 'recovery-salt' | 'pending-setup' | 'pass-token' | 'trusted-device'

/** Seals and opens secrets under keys that only the host has. */
export interface KeyRing {
  /** What values begin with, by key: the one that seals first. */
  readonly marks: readonly Uint8Array[]

  /**
   * Encrypts and authenticates (AES-256-GCM, NIST SP 800-38D) with the first key.
   *
   * @param context - What the value belongs to, the user id first: it opens with the very same context only.
   */
  seal: (purpose: Purpose, context: readonly string[], plain: Uint8Array) => Uint8Array

  /** @throws {UnavailableError} if the value was altered, belongs elsewhere, or its key is missing. */
  open: (purpose: Purpose, context: readonly string[], sealed: Uint8Array) => Uint8Array
}

const version = 1
const keyIdLength = 4
const headerLength = 1 + keyIdLength
const nonceLength = 12
const tagLength = 16

const expected = 'an array of at least one key, each 32 random bytes in base64. Make one with: ' +
  'node -e "console.log(crypto.randomBytes(32).toString(\'base64\'))"'

/**
 * @param encodedKeys - Base64 of 32 random bytes each. The first one seals, every one opens.
 * @throws {BadOptionError} if a key is missing, malformed, weak or given twice.
 */
export function createKeyRing (encodedKeys: readonly string[]): KeyRing {
  if (!Array.isArray(encodedKeys) || encodedKeys.length === 0) throw new BadOptionError('encryptionKeys', expected)
  const keys = new Map(encodedKeys.map(encoded => {
    const key = createSealingKey(decodeKey(encoded))
    return [key.id, key]
  }))
  const first = keys.values().next().value
  if (!first || keys.size !== encodedKeys.length) throw new BadOptionError('encryptionKeys', 'without duplicates')

  const headerOf = ({ id }: SealingKey) => Buffer.concat([Buffer.of(version), Buffer.from(id, 'hex')])

  return {
    marks: [...keys.values()].map(headerOf),

    seal (purpose, context, plain) {
      const header = headerOf(first)
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', first.subkey(purpose), nonce, { authTagLength: tagLength })
      cipher.setAAD(additionalData(header, purpose, context))
      return Buffer.concat([header, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()])
    },

    open (purpose, context, sealed) {
      const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
      if (bytes.length < headerLength + nonceLength + tagLength || bytes[0] !== version) {
        throw new UnavailableError({ cause: new Error('A sealed value is damaged, or was sealed by a newer version') })
      }
      const header = bytes.subarray(0, headerLength)
      const id = header.toString('hex', 1)
      const key = keys.get(id)
      if (!key) {
        throw new UnavailableError({
          cause: new Error(`A value is sealed with key ${id}, which is not among encryptionKeys: add that key again`)
        })
      }
      try {
        const nonce = bytes.subarray(headerLength, headerLength + nonceLength)
        const decipher = createDecipheriv('aes-256-gcm', key.subkey(purpose), nonce, { authTagLength: tagLength })
        decipher.setAAD(additionalData(header, purpose, context))
        decipher.setAuthTag(bytes.subarray(-tagLength))
        const encrypted = bytes.subarray(headerLength + nonceLength, -tagLength)
        return Buffer.concat([decipher.update(encrypted), decipher.final()])
      } catch {
        throw new UnavailableError({
          cause: new Error(`A value sealed with key ${id} was altered, or moved from elsewhere`)
        })
      }
    }
  }
}

interface SealingKey {
  /** 8 hex digits that name the key in what it seals, and tell nothing about it. */
  readonly id: string
  readonly subkey: (purpose: Purpose) => KeyObject
}

function createSealingKey (key: Buffer): SealingKey {
  // RFC 5869: one independent key for each purpose, so that none of them meets the nonces of another.
  const derive = (info: string) => Buffer.from(hkdfSync('sha256', key, '', `fastify-authenticator-2fa/v1/${info}`, 32))
  const subkeys = new Map<Purpose, KeyObject>()
  return {
    id: derive('key-id').toString('hex', 0, keyIdLength),
    subkey (purpose) {
      const known = subkeys.get(purpose)
      if (known) return known
      const subkey = createSecretKey(derive(purpose))
      subkeys.set(purpose, subkey)
      return subkey
    }
  }
}

function decodeKey (encoded: unknown): Buffer {
  if (typeof encoded !== 'string' || !/^[A-Za-z0-9+/_-]{43}=?$/.test(encoded)) {
    throw new BadOptionError('encryptionKeys', expected)
  }
  const key = Buffer.from(encoded, 'base64')
  // 32 random bytes have fewer than 16 different ones less often than once in 2^60 keys; typed ones often do.
  if (key.length !== 32 || new Set(key).size < 16) throw new BadOptionError('encryptionKeys', expected)
  return key
}

function additionalData (header: Uint8Array, purpose: Purpose, context: readonly string[]): Buffer {
  return Buffer.concat([header, Buffer.from(JSON.stringify([purpose, ...context]))])
}
