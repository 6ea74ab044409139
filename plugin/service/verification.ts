import { createHmac } from 'node:crypto'
import { UnavailableError } from '../errors.js'
import type { UsedCode } from '../storage/storage.js'
import type { CodeParameters, Pairing, Verdict, Verifier } from '../verifiers/verifier.js'
import type { ServiceDependencies, Subject } from './dependencies.js'

/** A secret in the clear, and which verifier checks its codes. */
export interface OpenSecret extends CodeParameters {
  readonly kind: string
  readonly key: Uint8Array
  /** How far the app's clock is known to be ahead, in time steps. Default is 0. */
  readonly drift?: number
}

export interface Verification {
  /** @throws {UnavailableError} if the registration has no such verifier. */
  verifierOf: (kind: string) => Verifier
  /** Tells the verifier of new enrolments of a secret. @throws {UnavailableError} */
  pair: (subject: Subject, pairing: Pairing) => Promise<void>
  /** @throws {UnavailableError} if no verdict could be had. */
  check: (subject: Subject, secret: OpenSecret, code: string, now: number) => Promise<Verdict>
}

/** Puts each code before the verifier that its enrolment belongs to. */
export function createVerification (
  { verifier: first, verifiers, window, journal }: ServiceDependencies
): Verification {
  function verifierOf (kind: string): Verifier {
    const verifier = verifiers.get(kind)
    if (verifier) return verifier
    throw new UnavailableError({
      cause: new Error(`An authenticator is checked by the verifier "${kind}", which this registration does not have: ` +
        'add it to the option verifier, or move the user with app.twoFactor.switchVerifier(userId, "local")')
    })
  }

  async function ask<Answer extends Pick<Verdict, 'fallback'>> (
    subject: Subject, { kind }: Verifier, task: () => Answer | Promise<Answer>
  ): Promise<Answer> {
    const tell = (type: 'fallback-used' | 'verifier-unavailable') => journal.tell(subject, [type, { verifier: kind }])
    try {
      const answer = await task()
      if (answer.fallback) tell('fallback-used')
      return answer
    } catch (cause) {
      if (!subject.signal?.aborted) tell('verifier-unavailable')
      throw cause instanceof UnavailableError ? cause : new UnavailableError({ cause })
    }
  }

  return {
    verifierOf,

    async pair (subject, pairing) {
      await ask(subject, first, async () => await first.pair?.({ ...pairing, signal: subject.signal }) ?? {})
    },

    async check (subject, { kind, key, algorithm, digits, period, drift = 0 }, code, now) {
      const verifier = verifierOf(kind)
      const { signal } = subject
      return ask(subject, verifier, () =>
        verifier.check({ key, algorithm, digits, period, drift, code, now, window, signal }))
    }
  }
}

// Enough to tell a code from the others of the last minutes, and too little to find a weak secret by.
const fingerprintLength = 4

/** What must be kept of a code that its verifier would call right again. */
export function usedCodeOf (
  authenticatorId: string, fingerprint: Uint8Array, { repeatableUntil }: Verdict
): UsedCode | undefined {
  return repeatableUntil === undefined ? undefined : { authenticatorId, fingerprint, until: new Date(repeatableUntil) }
}

/** What a code is known by, once it must not count again. */
export function fingerprintOf (key: Uint8Array, code: string): Uint8Array {
  // Keyed by the secret, so that it stays the same when the encryption keys change.
  const mac = createHmac('sha256', key).update(`fastify-authenticator-2fa/v1/used-code/${code}`).digest()
  return mac.subarray(0, fingerprintLength)
}
