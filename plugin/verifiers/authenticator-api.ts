import { randomBytes } from 'node:crypto'
import { encodeBase32 } from '../otp/base32.js'
import { findStep } from '../otp/totp.js'
import { createApiClient } from './authenticator-api/client.js'
import { resolveApiOptions, type AuthenticatorApiOptions } from './authenticator-api/options.js'
import type { CodeParameters, Verifier } from './verifier.js'

export type { AuthenticatorApiOptions }

// All that the protocol knows.
const parameters = { algorithm: 'SHA1', digits: 6, period: 30 } as const
const period = parameters.period * 1000

/**
 * Has AuthenticatorAPI.com, or a server that speaks its protocol, check the codes.
 *
 * The service sees every secret, and in a URL at that (which ASVS 5.0, 14.2.1, forbids); it takes 21 codes at a time,
 * and each of them again. The plugin adds what it lacks: attempt limits, no code twice, a bounded time.
 *
 * @throws {BadOptionError}
 */
export function authenticatorApi (options: AuthenticatorApiOptions): Verifier {
  const resolved = resolveApiOptions(options)
  const { fallback, tolerance } = resolved
  const client = createApiClient(resolved)

  /** @returns `undefined` if this process has to do without the service. */
  async function ask<Answer> (call: Promise<Answer>, signal: AbortSignal | undefined): Promise<Answer | undefined> {
    try {
      return await call
    } catch (error) {
      if (fallback === 'none' || signal?.aborted) throw error
    }
  }

  // The service takes this code until its step is the last one in reach; that may be the one furthest ahead by now.
  const repeatableUntil = (now: number) => now + (2 * tolerance + 2) * period

  return {
    kind: 'authenticator-api',
    // The characters of a SecretCode are the key themselves, also where they look like Base32.
    keyEncoding: 'ascii',
    // 160 bits (RFC 4226, R6).
    createKey: () => Buffer.from(encodeBase32(randomBytes(20)), 'latin1'),
    objection,

    async pair ({ key, issuer, label, signal }) {
      // The QR code is drawn here, so a name that is cut short there is not seen anywhere.
      const names = { appName: issuer.slice(0, 64), appInfo: label.slice(0, 128) }
      const pairing = client.pair({ ...names, secretCode: secretCode(key) }, signal)
      return await ask(pairing.then(() => ({})), signal) ?? { fallback: true }
    },

    async check ({ key, code, now, window, signal }) {
      const right = await ask(client.validate({ pin: code, secretCode: secretCode(key) }, signal), signal)
      if (right === false) return { right }
      if (right) return { right, step: nearestStep(key, code, now, tolerance), repeatableUntil: repeatableUntil(now) }

      const step = findStep(key, code, now, { ...parameters, window })
      return { right: step !== undefined, step, repeatableUntil: repeatableUntil(now), fallback: true }
    },

    close: client.close
  }
}

function secretCode (key: Uint8Array): string {
  return Buffer.from(key).toString('latin1')
}

function objection (
  { algorithm, digits, period, key }: CodeParameters & { readonly key?: Uint8Array }
): string | undefined {
  if (algorithm !== parameters.algorithm || digits !== parameters.digits || period !== parameters.period) {
    return 'AuthenticatorAPI.com knows SHA1, 6 digits and 30 seconds alone'
  }
  if (key && !/^[!-~]+$/.test(secretCode(key))) return 'AuthenticatorAPI.com knows printable ASCII characters alone'
}

/**
 * The step of a code that the service called right: it says none. Of two steps with this code it is the one nearer to
 * now, so that a distant one does not use up all between.
 */
function nearestStep (key: Uint8Array, code: string, now: number, tolerance: number): number | undefined {
  for (let distance = 0; distance <= tolerance; distance++) {
    for (const moment of [now - distance * period, now + distance * period]) {
      if (moment < 0) continue
      const step = findStep(key, code, moment, { ...parameters, window: 0 })
      if (step !== undefined) return step
    }
  }
}
