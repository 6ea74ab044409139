import { randomBytes, scrypt } from 'node:crypto'

/** Crockford's Base32: no I, L or O, which look like digits, and no U. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

const LENGTH = 16

const HASH_LENGTH = 16

/** Longest text worth reading: a code with more separators than anybody types. */
const MAX_TYPED_LENGTH = 64

const LOOK_ALIKES: Record<string, string> = { O: '0', I: '1', L: '1', U: 'V' }

/**
 * Makes a set of recovery codes, such as `7K3M-9Q2X-D4TB-W8VF`: 80 random bits each, no two the same.
 *
 * @param count - How many.
 */
export function generateRecoveryCodes (count: number): string[] {
  const codes = new Set<string>()
  while (codes.size < count) {
    let code = ''
    for (const byte of randomBytes(LENGTH)) {
      if (code.length % 5 === 4) code += '-'
      // 256 is a multiple of 32: the low bits of a byte favour no character.
      code += ALPHABET[byte & 0x1f]
    }
    codes.add(code)
  }
  return [...codes]
}

/**
 * Reads a recovery code as people type it: in any case, with or without spaces and dashes, and
 * with O for 0, I or L for 1 and U for V.
 *
 * @returns The 16 characters that {@link hashRecoveryCode} takes, or `undefined` if it is no recovery code.
 */
export function normalizeRecoveryCode (text: string): string | undefined {
  if (text.length > MAX_TYPED_LENGTH) return undefined

  // Dashes of every kind, since word processors replace them; also the minus sign and the soft hyphen.
  const characters = text.replace(/[\s\p{Dash_Punctuation}\u2212\u00ad]/gu, '')
  if (characters.length !== LENGTH || !/^[0-9a-z]+$/i.test(characters)) return undefined

  return characters.toUpperCase().replace(/[OILU]/g, character => LOOK_ALIKES[character]!)
}

/**
 * Hashes a recovery code for storage, with scrypt (N = 2^14, r = 8, p = 1).
 *
 * A look-up secret of fewer than 112 bits must be stored salted, under a function that is slow to search
 * (NIST SP 800-63B-4 section 3.1.2.2). It takes 16 MiB and some 50 ms, both off the event loop.
 *
 * @param code - As {@link normalizeRecoveryCode} returns it.
 * @param salt - Secret and per user: a stolen table cannot be searched without it, nor all users at once.
 * @returns 16 bytes: more than the code has bits.
 */
export function hashRecoveryCode (code: string, salt: Uint8Array): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(code, salt, HASH_LENGTH, { N: 2 ** 14, r: 8, p: 1 }, (error, hash) => {
      if (error) reject(error)
      else resolve(hash)
    })
  })
}
