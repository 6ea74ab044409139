import { execFileSync } from 'node:child_process'
import { createHash, createHmac, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { Secret, TOTP } from 'otpauth'
import { generateSync } from 'otplib'
import t from 'tap'
import { decodeBase32, encodeBase32 } from '../../plugin/otp/base32.js'
import { hotp, type OtpAlgorithm } from '../../plugin/otp/hotp.js'
import { findDistantStep, findStep, timeStep, totp } from '../../plugin/otp/totp.js'

const algorithms: OtpAlgorithm[] = ['SHA1', 'SHA256', 'SHA512']

const seed = '12345678901234567890'
const seeds: Record<OtpAlgorithm, Buffer> = {
  SHA1: Buffer.from(seed),
  SHA256: Buffer.from(seed.repeat(2).slice(0, 32)),
  SHA512: Buffer.from(seed.repeat(4).slice(0, 64))
}

const arbitraryKey = fc.uint8Array({ minLength: 16, maxLength: 64 })
const arbitraryParameters = fc.record({
  algorithm: fc.constantFrom(...algorithms),
  digits: fc.integer({ min: 6, max: 8 }),
  period: fc.integer({ min: 15, max: 120 }),
  window: fc.integer({ min: 0, max: 3 })
})
// From 1970 to the year 2500; 2038 and the first steps of all are in it.
const arbitraryTime = fc.oneof(
  fc.integer({ min: 0, max: 600_000 }),
  fc.integer({ min: 2 ** 31 * 1000 - 600_000, max: 2 ** 31 * 1000 + 600_000 }),
  fc.integer({ min: 0, max: 16_725_225_600_000 }))

t.test('Base32 encodes and decodes the vectors of RFC 4648 section 10', async t => {
  const vectors: [text: string, base32: string][] = [
    ['', ''],
    ['f', 'MY======'],
    ['fo', 'MZXQ===='],
    ['foo', 'MZXW6==='],
    ['foob', 'MZXW6YQ='],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI======']
  ]
  for (const [text, base32] of vectors) {
    t.equal(encodeBase32(Buffer.from(text)), base32.replaceAll('=', ''), `encodes "${text}" without padding`)
    t.equal(Buffer.from(decodeBase32(base32)).toString(), text, `decodes "${base32}"`)
  }
})

t.test('Base32 brings any bytes back, however they were typed', async t => {
  const separator = fc.constantFrom('', '', ' ', '-', '\n')
  fc.assert(fc.property(
    fc.uint8Array({ maxLength: 80 }), fc.boolean(), separator, fc.nat({ max: 6 }),
    (bytes, lower, separator, padding) => {
      const plain = encodeBase32(bytes)
      t.match(plain, /^[A-Z2-7]*$/)
      const typed = (lower ? plain.toLowerCase() : plain).replace(/.{4}/g, `$&${separator}`) + '='.repeat(padding)
      return Buffer.from(decodeBase32(typed)).equals(bytes)
    }))
})

t.test('Base32 agrees with otpauth', async () => {
  fc.assert(fc.property(fc.uint8Array({ minLength: 1, maxLength: 80 }), bytes => {
    const independent = new Secret({ buffer: new Uint8Array(bytes).buffer })
    return encodeBase32(bytes) === independent.base32
  }))
})

t.test('Base32 refuses other characters and impossible lengths without repeating the secret', async t => {
  for (const typed of ['MZXW6YT0', 'MZXW6YT1', 'MZXW6YT8', 'MZXW6YT\u0131', 'MZXW6YT\u00df', 'MZ=XW6YT', 'MZXW6YT\0']) {
    t.throws(() => decodeBase32(typed), new TypeError(
      'Base32 must hold only the letters A to Z and the digits 2 to 7'), JSON.stringify(typed))
  }
  for (const typed of ['M', 'MZX', 'MZXW6Y', 'MZXW6YTBM', 'M=======', 'M Z-X']) {
    t.throws(() => decodeBase32(typed), new TypeError(
      'Base32 is cut short: check that every character is there'), JSON.stringify(typed))
  }
})

t.test('hotp computes the codes of RFC 4226 appendix D', async t => {
  const codes = [
    '755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489'
  ]
  t.same(codes.map((_, counter) => hotp(seeds.SHA1, counter, 'SHA1', 6)), codes)
})

t.test('totp and findStep compute the codes of RFC 6238 appendix B', async t => {
  const vectors: [seconds: number, codes: Record<OtpAlgorithm, string>][] = [
    [59, { SHA1: '94287082', SHA256: '46119246', SHA512: '90693936' }],
    [1111111109, { SHA1: '07081804', SHA256: '68084774', SHA512: '25091201' }],
    [1111111111, { SHA1: '14050471', SHA256: '67062674', SHA512: '99943326' }],
    [1234567890, { SHA1: '89005924', SHA256: '91819424', SHA512: '93441116' }],
    [2000000000, { SHA1: '69279037', SHA256: '90698825', SHA512: '38618901' }],
    [20000000000, { SHA1: '65353130', SHA256: '77737706', SHA512: '47863826' }]
  ]
  for (const [seconds, codes] of vectors) {
    for (const algorithm of algorithms) {
      const parameters = { algorithm, digits: 8, period: 30, window: 0 }
      const code = codes[algorithm]
      t.equal(totp(seeds[algorithm], seconds * 1000, parameters), code, `${algorithm} at ${seconds}`)
      t.equal(findStep(seeds[algorithm], code, seconds * 1000, parameters), Math.floor(seconds / 30))
    }
  }
})

t.test('hotp counts past 32 bits', async t => {
  for (const counter of [2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, 2 ** 40 + 3, Number.MAX_SAFE_INTEGER]) {
    const message = Buffer.alloc(8)
    message.writeBigUInt64BE(BigInt(counter))
    const mac = createHmac('sha1', seeds.SHA1).update(message).digest()
    const bits = mac.readUInt32BE(mac.readUInt8(19) & 15) & 0x7fffffff
    t.equal(hotp(seeds.SHA1, counter, 'SHA1', 8), String(bits % 1e8).padStart(8, '0'), String(counter))
  }
})

t.test('a code keeps its leading zeros, and is refused without them', async t => {
  const parameters = { algorithm: 'SHA1', digits: 6, period: 30, window: 0 } as const
  const withZeros = Array.from({ length: 20_000 }, (_, step) => ({ step, code: hotp(seeds.SHA1, step, 'SHA1', 6) }))
    .filter(({ code }) => code.startsWith('00'))
  t.ok(withZeros.length > 100, 'about one code of a hundred begins with two zeros')

  for (const { step, code } of withZeros) {
    t.equal(code.length, 6)
    t.equal(findStep(seeds.SHA1, code, step * 30_000, parameters), step)
    for (const typed of [code.slice(1), code.slice(2), String(Number(code)), ` ${code}`, `0${code}`, ` ${code.slice(1)}`]) {
      t.equal(findStep(seeds.SHA1, typed, step * 30_000, parameters), undefined)
    }
  }
})

t.test('findStep refuses what is no code, also where it would read as the same number', async t => {
  const now = 1_111_111_111_000
  const parameters = { algorithm: 'SHA1', digits: 8, period: 30, window: 1 } as const
  t.equal(findStep(seeds.SHA1, '14050471', now, parameters), 37037037)
  const typed = [
    '', '1405047', '140504710', '14050471 ', '1405047\n', '\n1405047', '+1405047', '1405047.', '14050471.0', '0x0d663c',
    '1.405e07', '１４０５０４７１', '١٤٠٥٠٤٧١', 'NaN', 'undefined', '-14050471', '4309017767'
  ]
  for (const code of typed) t.equal(findStep(seeds.SHA1, code, now, parameters), undefined, JSON.stringify(code))
})

t.test('findStep finds every code of the window, and no code outside it', async () => {
  fc.assert(fc.property(arbitraryKey, arbitraryParameters, arbitraryTime, (key, parameters, now) => {
    const { algorithm, digits, period, window } = parameters
    const current = timeStep(now, period)
    const inside = new Set<string>()
    for (let step = Math.max(0, current - window); step <= current + window; step++) {
      const code = hotp(key, step, algorithm, digits)
      inside.add(code)
      const found = findStep(key, code, now, parameters)
      if (found === undefined || hotp(key, found, algorithm, digits) !== code) return false
      if (found < step || found > current + window) return false
    }
    for (let step = current - window - 3; step <= current + window + 3; step++) {
      if (step < 0) continue
      const code = hotp(key, step, algorithm, digits)
      if ((findStep(key, code, now, parameters) !== undefined) !== inside.has(code)) return false
    }
    return true
  }), { numRuns: 300 })
})

t.test('findStep takes a step of drift to the millisecond', async t => {
  const parameters = { algorithm: 'SHA1', digits: 8, period: 30, window: 1 } as const
  const start = 37037037 * 30_000
  const at = (now: number) => findStep(seeds.SHA1, '14050471', now, parameters)
  t.equal(at(start - 30_001), undefined, 'two steps early')
  t.equal(at(start - 30_000), 37037037, 'one step early')
  t.equal(at(start + 59_999), 37037037, 'one step late')
  t.equal(at(start + 60_000), undefined, 'two steps late')
})

t.test('findStep returns the newest of two steps with the same code, so that burning it leaves no second use', async t => {
  const steps = new Map<string, number[]>()
  for (let step = 0; step <= 4000; step++) {
    const code = hotp(seeds.SHA1, step, 'SHA1', 6)
    steps.set(code, [...steps.get(code) ?? [], step])
  }
  const collisions = [...steps].filter(([, steps]) => steps.length > 1)
  t.ok(collisions.length > 0, 'the range has codes that come twice')

  const parameters = { algorithm: 'SHA1', digits: 6, period: 30, window: 2000 } as const
  for (const [code, steps] of collisions) {
    t.equal(findStep(seeds.SHA1, code, 2000 * 30_000, parameters), Math.max(...steps), code)
  }
})

t.test('findDistantStep finds the codes of ten minutes each way, by a library of its own, and no others', async () => {
  const arbitraryNow = fc.integer({ min: 2e6, max: 4e12 })
  fc.assert(fc.property(arbitraryKey, arbitraryParameters, arbitraryNow, (key, { algorithm, period }, now) => {
    const digits = 8
    const secret = new Secret({ buffer: new Uint8Array(key).buffer })
    const near = new Map<string, number>()
    const codeAt = (step: number) =>
      TOTP.generate({ secret, algorithm, digits, period, timestamp: step * period * 1000 })
    const [current, reach] = [Math.floor(now / 1000 / period), Math.floor(600 / period)]
    for (let step = current - reach; step <= current + reach; step++) near.set(codeAt(step), step)
    const far = [codeAt(current - reach - 1), codeAt(current + reach + 1)]
    return [...near.keys(), ...far].every(code =>
      findDistantStep(key, code, now, { algorithm, digits, period }) === near.get(code))
  }), { numRuns: 50 })
})

t.test('the first steps of all have no window before 1970', async t => {
  const parameters = { algorithm: 'SHA1', digits: 6, period: 30, window: 2 } as const
  t.equal(findStep(seeds.SHA1, '755224', 0, parameters), 0)
  t.equal(findStep(seeds.SHA1, '359152', 0, parameters), 2)
  t.equal(findStep(seeds.SHA1, hotp(seeds.SHA1, 3, 'SHA1', 6), 0, parameters), undefined)
  for (const step of [-1, -2]) {
    t.equal(findStep(seeds.SHA1, hotp(seeds.SHA1, step, 'SHA1', 6), 0, parameters), undefined, `step ${step}`)
  }
})

t.test('a broken clock stops codes instead of letting those of another time pass', async t => {
  const parameters = { algorithm: 'SHA1', digits: 6, period: 30, window: 1 } as const
  for (const now of [NaN, Infinity, -Infinity, -1, 1e300]) {
    t.throws(() => findStep(seeds.SHA1, '755224', now, parameters), RangeError, String(now))
    t.throws(() => totp(seeds.SHA1, now, parameters), RangeError, String(now))
  }
})

t.test('codes agree with otplib and otpauth for all algorithms, lengths and periods', async () => {
  fc.assert(fc.property(arbitraryKey, arbitraryParameters, arbitraryTime, (key, parameters, now) => {
    const { algorithm, digits, period } = parameters
    const code = totp(key, now, parameters)
    const secret = new Secret({ buffer: new Uint8Array(key).buffer })
    const otpauth = TOTP.generate({ secret, algorithm, digits, period, timestamp: now })
    const otplib = generateSync({
      secret: key,
      algorithm: algorithm.toLowerCase() as Lowercase<OtpAlgorithm>,
      digits: digits as 6 | 7 | 8,
      period,
      epoch: Math.floor(now / 1000)
    })
    return code === otpauth && code === otplib
  }), { numRuns: 300 })
})

t.test('codes agree with oathtool', async t => {
  try {
    execFileSync('oathtool', ['--version'])
  } catch {
    const message = 'oathtool is not on the PATH: apt-get install oathtool'
    return process.env['CI'] === 'true' ? t.fail(message) : t.pass(message, { skip: message })
  }

  for (const algorithm of algorithms) {
    for (const [digits, period] of [[6, 30], [7, 45], [8, 60]] as const) {
      // Derived, so that a failure comes again.
      const key = createHash('sha256').update(`${algorithm} ${digits}`).digest()
      const seconds = 2_000_000_000 + digits
      const output = execFileSync('oathtool', [
        `--totp=${algorithm}`, `--digits=${digits}`, `--time-step-size=${period}s`, `--now=@${seconds}`, '--window=20',
        '--base32', encodeBase32(key)
      ], { encoding: 'utf8' })

      const parameters = { algorithm, digits, period, window: 0 }
      const ours = Array.from({ length: 21 }, (_, i) => totp(key, (seconds + i * period) * 1000, parameters))
      t.same(ours, output.trim().split('\n'), `${algorithm}, ${digits} digits, ${period} s`)
    }
  }
})

t.test('keys shorter and longer than a block of the hash are used as they are', async t => {
  for (const algorithm of algorithms) {
    for (const length of [1, 10, 63, 64, 65, 127, 128, 129, 200]) {
      const key = randomBytes(length)
      const independent = TOTP.generate({
        secret: new Secret({ buffer: new Uint8Array(key).buffer }), algorithm, digits: 6, period: 30, timestamp: 1e12
      })
      const parameters = { algorithm, digits: 6, period: 30, window: 0 }
      t.equal(totp(key, 1e12, parameters), independent, `${algorithm}, ${length} bytes`)
    }
  }
})
