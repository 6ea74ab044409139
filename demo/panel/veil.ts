import type { TwoFactorEventType } from 'fastify-authenticator-2fa'

// What may be read is listed. Everything else is told by its kind and length, so that nothing slips through that the
// package sends to the database one day.
const events: Record<TwoFactorEventType, true> = {
  'setup-started': true,
  'setup-confirmed': true,
  'authenticator-renamed': true,
  'authenticator-removed': true,
  verified: true,
  failed: true,
  reused: true,
  'clock-off': true,
  resynced: true,
  locked: true,
  recovered: true,
  'recovery-codes-regenerated': true,
  disabled: true,
  unlocked: true,
  reset: true,
  imported: true,
  'device-trusted': true,
  'device-used': true,
  'device-revoked': true,
  'device-reuse-alarm': true,
  'verifier-unavailable': true,
  'fallback-used': true,
  'verifier-switched': true,
  'keys-rotated': true
}
const words = new Set([
  ...Object.keys(events), 'local', 'authenticator-api', 'authenticator', 'recovery', 'device', 'base32', 'ascii', 'SHA1'
])
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * A parameter of a statement, in words. Times, numbers, ids and the words of the package are told as they are; sealed
 * values, hashes, tokens and codes never: what is not known to be harmless is told by its length.
 */
export function veil (value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (value instanceof Date) return value.toISOString()
  if (value instanceof Uint8Array) return `veiled, ${value.byteLength} bytes`
  switch (typeof value) {
    case 'boolean':
    case 'number':
      return String(value)
    case 'string':
      return uuid.test(value) || words.has(value) ? value : `veiled, ${value.length} characters`
    default:
      return 'veiled'
  }
}
