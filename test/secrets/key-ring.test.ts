import { createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import { createKeyRing } from '../../plugin/secrets/key-ring.js'

const newKey = () => randomBytes(32).toString('base64')
const secret = Buffer.from('12345678901234567890')

t.test('what is sealed opens again, for its user and purpose alone', async t => {
  const ring = createKeyRing([newKey()])
  fc.assert(fc.property(fc.string(), fc.uint8Array(), fc.string(), (user, plain, other) => {
    const sealed = ring.seal('authenticator-secret', [user, 'phone'], plain)
    t.same(Buffer.from(ring.open('authenticator-secret', [user, 'phone'], sealed)), Buffer.from(plain))
    const closed = { code: 'FST_2FA_UNAVAILABLE', statusCode: 503, cause: { message: /altered, or moved/ } }
    if (other !== user) t.throws(() => ring.open('authenticator-secret', [other, 'phone'], sealed), closed)
    t.throws(() => ring.open('authenticator-secret', [`${user}phone`], sealed), closed)
    t.throws(() => ring.open('recovery-salt', [user, 'phone'], sealed), closed)
  }))
})

t.test('one flipped bit anywhere is an error, never another value', async t => {
  const ring = createKeyRing([newKey()])
  const sealed = ring.seal('authenticator-secret', ['ada'], secret)
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const altered = Uint8Array.from(sealed)
    altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
    t.throws(() => ring.open('authenticator-secret', ['ada'], altered), { code: 'FST_2FA_UNAVAILABLE' }, `bit ${bit}`)
  }
})

t.test('a value that was cut short or is no envelope at all is an error', async t => {
  const ring = createKeyRing([newKey()])
  const sealed = ring.seal('authenticator-secret', ['ada'], secret)
  for (let length = 0; length < sealed.length; length++) {
    t.throws(() => ring.open('authenticator-secret', ['ada'], sealed.subarray(0, length)), { code: 'FST_2FA_UNAVAILABLE' })
  }
})

t.test('the first key seals, every key opens, and a missing one is named', async t => {
  const [old, current] = [newKey(), newKey()]
  const before = createKeyRing([old]).seal('recovery-salt', ['ada'], secret)
  const ring = createKeyRing([current, old])
  t.same(Buffer.from(ring.open('recovery-salt', ['ada'], before)), secret)

  const after = ring.seal('recovery-salt', ['ada'], secret)
  t.same(Buffer.from(createKeyRing([current]).open('recovery-salt', ['ada'], after)), secret)
  const id = Buffer.from(before).toString('hex', 1, 5)
  t.throws(() => createKeyRing([current]).open('recovery-salt', ['ada'], before), {
    code: 'FST_2FA_UNAVAILABLE', cause: { message: new RegExp(`key ${id}, which is not among encryptionKeys`) }
  })
})

t.test('the envelope is what the documentation says, so that others can open it', async t => {
  const key = newKey()
  const sealed = Buffer.from(createKeyRing([key]).seal('authenticator-secret', ['ada', 'phone'], secret))
  const derive = (info: string) => Buffer.from(hkdfSync('sha256', Buffer.from(key, 'base64'), '', info, 32))
  t.equal(sealed[0], 1)
  t.same(sealed.subarray(1, 5), derive('fastify-authenticator-2fa/v1/key-id').subarray(0, 4))
  const decipher = createDecipheriv('aes-256-gcm', derive('fastify-authenticator-2fa/v1/authenticator-secret'), sealed.subarray(5, 17))
  decipher.setAAD(Buffer.concat([sealed.subarray(0, 5), Buffer.from('["authenticator-secret","ada","phone"]')]))
  decipher.setAuthTag(sealed.subarray(-16))
  t.same(Buffer.concat([decipher.update(sealed.subarray(17, -16)), decipher.final()]), secret)
})

t.test('two seals of one value differ', async t => {
  const ring = createKeyRing([newKey()])
  const seals = Array.from({ length: 100 }, () => Buffer.from(ring.seal('recovery-salt', ['ada'], secret)).toString('hex'))
  t.equal(new Set(seals).size, 100)
})

t.test('missing, malformed, weak and repeated keys are refused with what to do', async t => {
  const key = newKey()
  const bad: unknown[] = [
    undefined, null, '', key, [], [undefined], [''], ['secret'], [Buffer.alloc(32)],
    [randomBytes(31).toString('base64')], [randomBytes(33).toString('base64')], [`${key} `],
    [Buffer.alloc(32).toString('base64')], [Buffer.from('passwordpasswordpasswordpassword').toString('base64')],
    [key, '']
  ]
  for (const keys of bad) {
    t.throws(() => createKeyRing(keys as string[]), { code: 'FST_2FA_BAD_OPTION', message: /"encryptionKeys".*crypto\.randomBytes/ })
  }
  t.throws(() => createKeyRing([key, key]), { code: 'FST_2FA_BAD_OPTION', message: /duplicates/ })
  t.doesNotThrow(() => createKeyRing([Buffer.from(key, 'base64').toString('base64url')]), 'base64url is welcome too')
})
