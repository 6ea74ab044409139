import { BadOptionError } from './errors.js'

/**
 * What a route asks of its clients, in `config.twoFactor`:
 * - `true`: signed in, and passed if the user has two-factor authentication.
 * - `'required'`: signed in and passed; a user without two-factor authentication is sent to set it up.
 * - `{ maxAge }`: as `'required'`, and passed at most this many seconds ago; otherwise asked again.
 * - `false`: nothing, also under `protect: 'all'`.
 */
export type TwoFactorPolicy = boolean | 'required' | { readonly maxAge: number }

/** @throws {BadOptionError} if it is none, so that a misspelt policy never leaves a route open. */
export function checkPolicy (value: unknown): asserts value is TwoFactorPolicy {
  if (typeof value === 'boolean' || value === 'required') return
  if (typeof value === 'object' && value !== null && Object.keys(value).join() === 'maxAge' && 'maxAge' in value &&
    typeof value.maxAge === 'number' && value.maxAge >= 1) return
  throw new BadOptionError('config.twoFactor', 'true, false, "required" or { maxAge: seconds }')
}
