import { findDistantStep, findStep } from '../otp/totp.js'
import type { Verifier } from './verifier.js'

/** Checks codes in this process (RFC 6238). The secret never leaves the host. */
export function localVerifier (): Verifier {
  return {
    kind: 'local',
    check ({ key, code, now, drift = 0, algorithm, digits, period, window }) {
      const parameters = { algorithm, digits, period, window }
      const step = findStep(key, code, now + drift * period * 1000, parameters)
      if (step !== undefined) return { right: true, step }
      return { right: false, distantStep: findDistantStep(key, code, now, parameters) }
    }
  }
}
