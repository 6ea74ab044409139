import { findStep } from '../otp/totp.js'
import type { Verifier } from './verifier.js'

/** Checks codes in this process (RFC 6238). The secret never leaves the host. */
export function localVerifier (): Verifier {
  return {
    kind: 'local',
    check ({ key, code, now, ...parameters }) {
      const step = findStep(key, code, now, parameters)
      return { right: step !== undefined, step }
    }
  }
}
