import { scryptSync } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { generateRecoveryCodes, hashRecoveryCode, normalizeRecoveryCode } from '../../plugin/otp/recovery-codes.js'

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

t.test('recovery codes are 16 characters without look-alikes, grouped by four', async t => {
  const codes = generateRecoveryCodes(100)
  t.equal(codes.length, 100)
  t.equal(new Set(codes).size, 100, 'all different')
  for (const code of codes) t.match(code, /^[0-9A-HJKMNP-TV-Z]{4}(-[0-9A-HJKMNP-TV-Z]{4}){3}$/)
  t.same(generateRecoveryCodes(0), [])
})

t.test('every character of a recovery code is drawn from all 32, evenly', async t => {
  const count = 10_000
  const codes = generateRecoveryCodes(count).map(code => code.replaceAll('-', ''))
  for (let position = 0; position < 16; position++) {
    const frequencies = new Map([...alphabet].map(character => [character, 0]))
    for (const code of codes) frequencies.set(code[position]!, frequencies.get(code[position]!)! + 1)
    const expected = count / 32
    let chiSquare = 0
    for (const frequency of frequencies.values()) chiSquare += (frequency - expected) ** 2 / expected
    // 31 degrees of freedom: chance passes 110 once in 10^10 runs; a character left out gives more than 300.
    t.ok(chiSquare < 110, `position ${position}: ${chiSquare.toFixed(1)}`)
  }
})

t.test('the characters of a recovery code do not depend on each other', async t => {
  const count = 10_000
  const codes = generateRecoveryCodes(count).map(code => code.replaceAll('-', ''))
  for (let a = 0; a < 16; a++) {
    for (let b = a + 1; b < 16; b++) {
      const equal = codes.filter(code => code[a] === code[b]).length
      // Binomial with p = 1/32: mean 312.5, deviation 17.4.
      if (Math.abs(equal - count / 32) > 7 * 17.4) t.fail(`${a} and ${b} are equal ${equal} times`)
    }
  }
})

t.test('a recovery code is read in any case, with any dashes and spaces or none', async () => {
  const separator = fc.constantFrom('-', '', ' ', '  ', '\t', '\u00a0', '\u2010', '\u2011', '\u2013', '\u2014', '\u2212', '\u00ad', ' - ')
  fc.assert(fc.property(separator, fc.boolean(), fc.constantFrom('', ' ', '\n'), (separator, lower, around) => {
    const [code] = generateRecoveryCodes(1)
    const typed = around + (lower ? code!.toLowerCase() : code!).replaceAll('-', separator) + around
    return normalizeRecoveryCode(typed) === code!.replaceAll('-', '')
  }))
})

t.test('look-alikes are read as the character that was meant', async t => {
  t.equal(normalizeRecoveryCode('OOOO-IIII-LLLL-UUUU'), '000011111111VVVV')
  t.equal(normalizeRecoveryCode('oooo-iiii-llll-uuuu'), '000011111111VVVV')
  t.equal(normalizeRecoveryCode('0123-4567-89AB-CDEF'), '0123456789ABCDEF', 'and all others as they are')
  t.equal(normalizeRecoveryCode('GHJK-MNPQ-RSTV-WXYZ'), 'GHJKMNPQRSTVWXYZ')
})

t.test('what is no recovery code is not read', async t => {
  const typed = [
    '', '123456', '0123-4567-89AB-CDE', '0123-4567-89AB-CDEFG', '0123_4567_89AB_CDEF', '0123-4567-89AB-CDE!',
    // Characters that change into ASCII letters with toUpperCase or under a case-insensitive pattern.
    '0123-4567-89AB-CDE\u017f', '0123-4567-89AB-CDE\u0131', '0123-4567-89AB-CDE\u212a', '0123-4567-89AB-CD\u00df',
    '0123-4567-89AB-CDE\uff26', '0123-4567-89AB-CDE\0', '0123456789ABCDE\u0660'
  ]
  for (const text of typed) t.equal(normalizeRecoveryCode(text), undefined, JSON.stringify(text))
})

t.test('a huge input is refused before it is read', async t => {
  t.equal(normalizeRecoveryCode('0123-4567-89AB-CDEF' + ' '.repeat(100)), undefined)
  const huge = '-'.repeat(50_000_000)
  const start = performance.now()
  t.equal(normalizeRecoveryCode(huge), undefined)
  t.ok(performance.now() - start < 50, 'at once')
})

t.test('a hash is scrypt with N = 2^14, r = 8, p = 1, and another for another code or salt', async t => {
  const salt = Buffer.from('salt of one user')
  const hash = await hashRecoveryCode('0123456789ABCDEF', salt)
  t.same(hash, scryptSync('0123456789ABCDEF', salt, 16, { cost: 16384, blockSize: 8, parallelization: 1 }))
  t.same(await hashRecoveryCode('0123456789ABCDEF', salt), hash, 'the same again')
  t.notSame(await hashRecoveryCode('0123456789ABCDEG', salt), hash)
  t.notSame(await hashRecoveryCode('0123456789ABCDEF', Buffer.from('salt of another')), hash)
})

t.test('hashing leaves the event loop free', async t => {
  let turns = 0
  const timer = setInterval(() => turns++, 1)
  t.teardown(() => clearInterval(timer))
  await hashRecoveryCode('0123456789ABCDEF', Buffer.alloc(16))
  t.ok(turns > 1)
})
