import { BadParameterError } from './errors.js'

/**
 * The key that a SecretCode stands for: its characters as they are, not their Base32 decoding.
 *
 * @throws {BadParameterError} unless it has 1 to 128 printable ASCII characters. Of any other, clients would have to
 * agree on an encoding, and they do not.
 */
export function secretOf (secretCode: string): Buffer {
  if (!/^[\x20-\x7e]*$/.test(secretCode)) {
    throw new BadParameterError('SecretCode must consist of printable ASCII characters')
  }
  if (secretCode.length < 1 || secretCode.length > 128) {
    throw new BadParameterError('SecretCode must have 1 to 128 characters')
  }
  return Buffer.from(secretCode, 'latin1')
}
