import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import notp from 'notp'
import { Secret, TOTP } from 'otpauth'
import { createGuardrails, verifySync, type CryptoPlugin } from 'otplib'
import { findStep, timeStep, totp } from '../../plugin/otp/totp.js'
import { runRounds, type Contestant } from './rounds.js'

/**
 * otplib with the HMAC of node:crypto, as its own Node plugin has it (a package apart): without it the default, in
 * JavaScript, would be measured and not the library.
 */
const nodeCrypto: CryptoPlugin = {
  name: 'node',
  hmac: (algorithm, key, data) => createHmac(algorithm, key).update(data).digest(),
  randomBytes,
  constantTimeEqual (a, b) {
    const left = Buffer.from(a)
    const right = Buffer.from(b)
    return left.length === right.length && timingSafeEqual(left, right)
  }
}

/**
 * Codes checked per second, with one step of drift (SHA-1, 6 digits, 30 s).
 *
 * A wrong code compares like with like: everyone must compute all three steps. With the current code the peers stop at
 * the match (otpauth after one step of three, otplib and notp after two), and so tell by their time which step it was;
 * `findStep` goes on to the end on purpose.
 */
export async function benchOtp (): Promise<void> {
  const key = randomBytes(20)
  const parameters = { algorithm: 'SHA1', digits: 6, period: 30, window: 1 } as const
  const guardrails = createGuardrails()
  const authenticator = new TOTP({
    secret: new Secret({ buffer: new Uint8Array(key).buffer }), algorithm: 'SHA1', digits: 6, period: 30
  })

  let code = ''

  // Every one is given the key as bytes, decoded and wrapped beforehand where its API lets it be, and reads the clock.
  const contestants: Contestant[] = [
    { name: 'findStep', run: () => findStep(key, code, Date.now(), parameters) !== undefined },
    { name: 'notp', run: () => notp.totp.verify(code, key, { window: 1, time: 30 }) !== null },
    { name: 'otpauth', run: () => authenticator.validate({ token: code, window: 1 }) !== null },
    {
      name: 'otplib (node:crypto)',
      run: () => verifySync({ secret: key, token: code, epochTolerance: 30, guardrails, crypto: nodeCrypto }).valid
    },
    {
      name: 'otplib (default)',
      run: () => verifySync({ secret: key, token: code, epochTolerance: 30, guardrails }).valid
    }
  ]

  await runRounds({
    title: 'Codes checked, wrong: all steps of the window',
    unit: 'codes',
    peer: 'notp',
    contestants: contestants.map(contestant => ({
      ...contestant,
      prepare () {
        code = wrongCode(key)
        expect(contestant, false)
      }
    }))
  })

  await runRounds({
    title: 'Codes checked, right and current: the peers stop at the match',
    unit: 'codes',
    peer: 'notp',
    contestants: contestants.map(contestant => ({
      ...contestant,
      prepare () {
        code = totp(key, Date.now(), parameters)
        expect(contestant, true)
      }
    }))
  })
}

/** A code that no step near the present has. */
function wrongCode (key: Uint8Array): string {
  const wide = { algorithm: 'SHA1', digits: 6, period: 30, window: 10 } as const
  for (let candidate = timeStep(Date.now(), 30) % 1_000_000; ; candidate = (candidate + 1) % 1_000_000) {
    const code = String(candidate).padStart(6, '0')
    if (findStep(key, code, Date.now(), wide) === undefined) return code
  }
}

/** A contestant that answers wrongly is not measured. */
function expect ({ name, run }: Contestant, accepted: boolean): void {
  if (run() !== accepted) throw new Error(`${name} answers wrongly`)
}
