import { randomBytes, randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import t from 'tap'
import { kyselyStorage, localVerifier } from '../../plugin/index.js'
import { generateRecoveryCodes, hashRecoveryCode, normalizeRecoveryCode } from '../../plugin/otp/recovery-codes.js'
import { totp } from '../../plugin/otp/totp.js'
import { table } from '../bench/page-region.js'
import { circumstances, number, writeProof } from '../docs/proof-page.js'
import { openPostgres, startPostgres } from '../helpers/postgres.js'
import { welch } from './welch.js'

// `npm run timing -- --codes=200000 --recovery=1000 --statements=20000 --write`: does a wrong code take longer the more
// of it is right? The report goes into docs/proof.md.
const { values } = parseArgs({
  options: {
    codes: { type: 'string', default: '200000' },
    recovery: { type: 'string', default: '1000' },
    statements: { type: 'string', default: '20000' },
    write: { type: 'boolean', default: false }
  }
})
// The helpers bring it, and it gives a file thirty seconds.
t.setTimeout(0)

const results: string[][] = []

/** Measures the two classes in an order that nothing else on the machine can follow, in nanoseconds. */
async function measure (
  name: string, pairs: number, classes: ReadonlyArray<() => () => unknown>
): Promise<void> {
  const times: [number[], number[]] = [[], []]
  for (let pair = 0; pair < pairs; pair++) {
    const first = randomInt(2)
    for (const index of [first, 1 - first]) {
      const check = classes[index]!()
      const start = process.hrtime.bigint()
      const answer = check()
      if (answer instanceof Promise) await answer
      times[index as 0 | 1].push(Number(process.hrtime.bigint() - start))
    }
  }
  // What comes first is compiled while it is measured.
  const warm = times.map(list => list.slice(Math.floor(pairs / 10))) as typeof times
  const { t, samples, difference } = welch(...warm)
  results.push([name, Math.abs(t).toFixed(2), number(Math.round(difference) || 0), samples.map(number).join(' and ')])
  console.log(results.at(-1)?.join('; '))
}

const parameters = { algorithm: 'SHA1', digits: 6, period: 30, window: 1 } as const
const verifier = localVerifier()
const other = (digit: string) => String((Number(digit) + 1 + randomInt(9)) % 10)

/** A secret, and a code whose first digits are right and whose others are wrong. */
function guess (right: number): { key: Buffer, now: number, code: string } {
  const [key, now] = [randomBytes(20), Date.now()]
  const expected = [...totp(key, now, parameters)]
  // As much work for each class: what comes just before is felt in what is measured.
  const wrong = expected.map(other)
  const code = [...expected.slice(0, right), ...wrong.slice(right)].join('')
  return { key, now, code }
}

function codeCheck (right: number): () => unknown {
  const given = guess(right)
  return () => verifier.check({ ...given, ...parameters })
}

/** What must not be: it stops at the first digit that is wrong. */
function hastyCheck (right: number): () => unknown {
  const { key, now, code } = guess(right)
  return () => {
    const expected = totp(key, now, parameters)
    for (let index = 0; index < code.length; index++) if (expected[index] !== code[index]) return false
    return true
  }
}

const codes = Number(values.codes)
await measure('code, first digit right or all wrong', codes, [() => codeCheck(1), () => codeCheck(0)])
await measure('code, five digits right or all wrong', codes, [() => codeCheck(5), () => codeCheck(0)])
await measure('code, two classes that are the same', codes, [() => codeCheck(0), () => codeCheck(0)])
await measure('a comparison that stops at the first wrong digit', codes, [() => hastyCheck(5), () => hastyCheck(0)])

const cleanups: Array<() => unknown> = []
const scope: Parameters<typeof startPostgres>[0] = {
  teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) }
}
const storage = kyselyStorage(await openPostgres(scope, await startPostgres(scope)))
const salt = randomBytes(16)
const [mine = ''] = generateRecoveryCodes(1).map(normalizeRecoveryCode)
const hash = await hashRecoveryCode(mine, salt)
const now = new Date()
await storage.enable('ada', {
  authenticator: {
    id: 'phone',
    kind: 'local',
    name: '',
    secret: randomBytes(48),
    keyEncoding: 'base32',
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
    lastStep: 0,
    createdAt: now,
    lastUsedAt: null
  },
  recoveryCodes: { salt: randomBytes(48), hashes: [hash] }
})

/** The same of a recovery code: its hash, and the statement that looks for it. */
function recoveryCheck (right: number): () => unknown {
  const [wrong = ''] = generateRecoveryCodes(1).map(normalizeRecoveryCode)
  const code = mine.slice(0, right) + [...wrong].slice(right, -1).join('') + (mine.endsWith('0') ? '1' : '0')
  return async () => storage.acceptRecoveryCode('ada', { hash: await hashRecoveryCode(code, salt), now: new Date() })
}

/** The statement alone, which the hash hides by its length: more samples by a hundred times. */
function statementCheck (right: number): () => unknown {
  const near = Buffer.concat([hash.subarray(0, right), randomBytes(hash.length - right)])
  return () => storage.acceptRecoveryCode('ada', { hash: near, now: new Date() })
}

const [recovery, statements] = [Number(values.recovery), Number(values.statements)]
await measure('recovery code, first character right or all wrong', recovery, [() => recoveryCheck(1), () => recoveryCheck(0)])
await measure('recovery code, 15 characters right or all wrong', recovery, [() => recoveryCheck(15), () => recoveryCheck(0)])
await measure('its statement, half of the hash right or none', statements, [() => statementCheck(hash.length / 2), () => statementCheck(0)])
for (const cleanup of cleanups) await cleanup()
if (values.write) await writeProof('timing', `${circumstances()}.\n\n${table(['what', '\\|t\\|', 'ns between the means', 'samples'], results)}`)
process.exit()
