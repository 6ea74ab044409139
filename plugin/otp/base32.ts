const ALPHABET = Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZ234567', 'latin1')

const IGNORED = 32
const PADDING = 33
const INVALID = 34

/** Value of each ASCII character: 0 to 31, or one of the three above. */
const VALUES = new Uint8Array(128).fill(INVALID)
for (let value = 0; value < ALPHABET.length; value++) {
  const upper = ALPHABET[value]!
  VALUES[upper] = value
  // Sets the bit that makes a letter lower case, and leaves a digit as it is.
  VALUES[upper | 0x20] = value
}
for (const character of ' \t\r\n-') VALUES[character.charCodeAt(0)] = IGNORED
VALUES['='.charCodeAt(0)] = PADDING

/**
 * Encodes bytes in Base32 (RFC 4648 section 6), in upper case.
 *
 * Without padding, which the Key URI format asks to omit.
 */
export function encodeBase32 (bytes: Uint8Array): string {
  // Not from the shared pool, where a secret would linger for others to find.
  const text = Buffer.alloc(Math.ceil(bytes.length * 8 / 5))
  let length = 0
  let pending = 0
  let bits = 0

  for (let i = 0; i < bytes.length; i++) {
    pending = (pending & 0x1f) << 8 | bytes[i]!
    bits += 8
    while (bits >= 5) {
      bits -= 5
      text[length++] = ALPHABET[pending >>> bits & 0x1f]!
    }
  }
  if (bits > 0) text[length] = ALPHABET[pending << 5 - bits & 0x1f]!

  return text.toString('latin1')
}

/**
 * Decodes Base32 (RFC 4648 section 6) as people type and paste it: in any case, grouped by
 * spaces or hyphens, with or without padding. Bits left over at the end are ignored.
 *
 * @throws {TypeError} on any other character, on characters after the padding, and on a length that
 * no bytes encode to. The message holds nothing of the input, since that is a secret.
 */
export function decodeBase32 (text: string): Uint8Array {
  const bytes = new Uint8Array(Math.floor(text.length * 5 / 8))
  let length = 0
  let characters = 0
  let padded = false
  let pending = 0
  let bits = 0

  for (let i = 0; i < text.length; i++) {
    const value = VALUES[text.charCodeAt(i)] ?? INVALID
    if (value < IGNORED && !padded) {
      characters++
      pending = (pending & 0xff) << 5 | value
      bits += 5
      if (bits >= 8) {
        bits -= 8
        bytes[length++] = pending >>> bits
      }
    } else if (value === PADDING) {
      padded = true
    } else if (value !== IGNORED) {
      throw new TypeError('Base32 must hold only the letters A to Z and the digits 2 to 7')
    }
  }

  // 8 characters hold 5 bytes: a rest of 1, 3 or 6 characters ends in one that begins no byte.
  const rest = characters % 8
  if (rest === 1 || rest === 3 || rest === 6) {
    throw new TypeError('Base32 is cut short: check that every character is there')
  }

  return length === bytes.length ? bytes : bytes.slice(0, length)
}
