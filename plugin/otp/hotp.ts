import { hash } from 'node:crypto'

/** Hash function of the HMAC (RFC 6238 section 1.2). Most authenticator apps know only `SHA1`. */
export type OtpAlgorithm = 'SHA1' | 'SHA256' | 'SHA512'

// What the two hashes of an HMAC are taken of: the padded key, then the counter; the padded key, then the first hash.
// One pair for all calls: filled, read and emptied without a pause in between.
const pads = { SHA1: createPads(64, 20), SHA256: createPads(64, 32), SHA512: createPads(128, 64) }

function createPads (block: number, length: number) {
  const inner = Buffer.alloc(block + 8)
  const counter = new DataView(inner.buffer, inner.byteOffset + block)
  return { block, inner, outer: Buffer.alloc(block + length), counter }
}

/**
 * Computes one HOTP value (RFC 4226 section 5.3).
 *
 * @param key - Shared secret, raw bytes.
 * @param counter - Moving factor, a non-negative safe integer.
 * @param digits - Length of the code, 6 to 8.
 */
export function hotp (key: Uint8Array, counter: number, algorithm: OtpAlgorithm, digits: number): string {
  const [value] = truncatedHmacs(key, counter, counter, algorithm) as [number]
  return String(value % 10 ** digits).padStart(digits, '0')
}

/**
 * Computes the 31-bit numbers whose last decimal digits are the codes (RFC 4226 section 5.3, steps 1 and 2), for each
 * counter from `first` to `last`.
 *
 * The HMAC is put together from its two hashes (RFC 2104 section 2): the key is padded once for all counters, and
 * `crypto.hash` sets up no object of OpenSSL, which is half of what `createHmac` costs.
 *
 * @param key - Shared secret, raw bytes.
 * @param first - Moving factor, a non-negative safe integer.
 * @param last - Another, not below `first`.
 */
export function truncatedHmacs (key: Uint8Array, first: number, last: number, algorithm: OtpAlgorithm): number[] {
  const { block, inner, outer, counter } = pads[algorithm]
  const short = key.length > block ? hash(algorithm, key, 'buffer') : key
  inner.fill(0x36, 0, block)
  outer.fill(0x5c, 0, block)
  for (let index = 0; index < short.length; index++) {
    inner[index]! ^= short[index]!
    outer[index]! ^= short[index]!
  }

  const values: number[] = []
  for (let value = first; value <= last; value++) {
    // Each write keeps the low 32 bits of what it is given, so that 53 bits need no BigInt.
    counter.setUint32(0, value / 0x1_0000_0000)
    counter.setUint32(4, value)
    // Strings of bytes take half the time of Buffers.
    outer.write(hash(algorithm, inner, 'binary'), block, 'binary')
    values.push(truncate(hash(algorithm, outer, 'binary')))
  }

  inner.fill(0)
  outer.fill(0)
  return values
}

/** Dynamic truncation: the low nibble of the last byte picks 4 bytes; drop the sign bit. */
function truncate (mac: string): number {
  const offset = mac.charCodeAt(mac.length - 1) & 0x0f
  return (mac.charCodeAt(offset) & 0x7f) << 24 |
    mac.charCodeAt(offset + 1) << 16 |
    mac.charCodeAt(offset + 2) << 8 |
    mac.charCodeAt(offset + 3)
}
