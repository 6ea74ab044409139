import { createHash } from 'node:crypto'
import { UnavailableError } from '../errors.js'
import type { Cipher, SealBinding } from './cipher.js'
import type { KeyRing, Purpose } from './key-ring.js'

/** Seals what is stored: by the host's cipher if there is one, else by the key ring. Opens what either has sealed. */
export interface SecretBox {
  /** @throws {UnavailableError} */
  readonly seal: (purpose: Purpose, context: Context, plain: Uint8Array) => Promise<Uint8Array>
  /** @throws {UnavailableError} if the value was altered, belongs elsewhere, or cannot be opened for now. */
  readonly open: (purpose: Purpose, context: Context, sealed: Uint8Array) => Promise<Uint8Array>
  /** What every value that is sealed now begins with: its key's mark. */
  readonly currentMark: Uint8Array
  /** Which key a sealed value, or the mark of one, belongs to. */
  readonly describe: (sealed: Uint8Array) => KeyInfo
}

/** The user's id, and the authenticator's if it is about one. */
export type Context = readonly [userId: string, id?: string]

export interface KeyInfo {
  /** 8 hex digits that name the key and tell nothing about it. */
  readonly id: string
  readonly by: 'encryptionKeys' | 'cipher'
  /** It seals what is sealed now. */
  readonly current: boolean
  /** Without it, what it has sealed is lost. */
  readonly available: boolean
}

// The first bytes of a sealed value tell its key.
const markLength = 5

// A key ring's envelopes begin with 1.
const byCipher = 2

/** @param within - Runs a call of the cipher in bounded time. */
export function createSecretBox (
  { keyRing, cipher, within }: {
    readonly keyRing: KeyRing | undefined
    readonly cipher: Cipher | undefined
    readonly within: <Result>(task: () => Promise<Result>) => Promise<Result>
  }
): SecretBox {
  const cipherMark = Buffer.concat([
    Buffer.of(byCipher), createHash('sha256').update(cipher?.keyId ?? '').digest().subarray(0, markLength - 1)
  ])
  const marks = (keyRing?.marks ?? []).map(mark => Buffer.from(mark))
  const currentMark = cipher ? cipherMark : marks[0] ?? Buffer.alloc(0)

  return {
    currentMark,

    async seal (purpose, context, plain) {
      if (cipher) {
        const sealed = await within(async () => cipher.seal(plain, bindingOf(purpose, context)))
        return Buffer.concat([cipherMark, sealed])
      }
      return needed(keyRing).seal(purpose, present(context), plain)
    },

    async open (purpose, context, sealed) {
      if (sealed[0] !== byCipher) return needed(keyRing).open(purpose, present(context), sealed)
      if (!cipher) throw missing('A value is sealed by a cipher, and the option cipher is not given: give it again')
      return within(async () => cipher.open(sealed.subarray(markLength), bindingOf(purpose, context)))
    },

    describe (sealed) {
      const mark = sealed.subarray(0, markLength)
      const ofCipher = mark[0] === byCipher
      return {
        id: Buffer.from(mark).toString('hex', 1),
        by: ofCipher ? 'cipher' : 'encryptionKeys',
        current: currentMark.equals(mark),
        available: ofCipher ? cipher !== undefined : marks.some(known => known.equals(mark))
      }
    }
  }
}

function bindingOf (purpose: Purpose, [userId, id]: Context): SealBinding {
  return { purpose, userId, ...(id !== undefined && { id }) }
}

function present (context: Context): string[] {
  return context.filter(part => part !== undefined)
}

function needed (keyRing: KeyRing | undefined): KeyRing {
  if (!keyRing) throw missing('A value is sealed by a key of encryptionKeys: give them beside the cipher')
  return keyRing
}

function missing (message: string): UnavailableError {
  return new UnavailableError({ cause: new Error(message) })
}
