import type { Test } from 'tap'
import type { DeviceUse, TwoFactorStorage } from '../../plugin/storage/storage.js'
import { authenticator, enabled, hashes, later, now, pass, times } from './contract.js'

const day = 86_400
const hash = (token: string) => Buffer.from(token)

/** Trusts a device on the pass of the setup. */
function trust (storage: TwoFactorStorage, id = 'laptop', {
  token = 'token-0', passIdHash = pass().idHash, expiresAt = later(30 * day), userId = 'ada', at = now,
  replaces = undefined as string | undefined
} = {}): Promise<boolean> {
  const device = { id, tokenHash: hash(token), label: `Firefox on ${id}`, createdAt: at, expiresAt }
  return storage.trustDevice(userId, { device, passIdHash, replaces, now: at })
}

let passes = 0

/** Presents a token, `seconds` after the beginning. */
function use (
  storage: TwoFactorStorage, token: string, next: string, seconds = 60,
  given: Partial<DeviceUse> & { userId?: string } = {}
): Promise<string> {
  const { userId = 'ada', ...rest } = given
  return storage.useDevice(userId, {
    id: 'laptop',
    tokenHash: hash(token),
    nextHash: hash(next),
    now: later(seconds),
    graceSince: later(seconds - 10),
    pass: { ...pass(`device-pass-${++passes}`, later(seconds + day)), method: 'trusted-device' },
    ...rest
  })
}

const lastPass = () => Buffer.from(`device-pass-${passes}`)

/** What every storage must do about trusted devices. */
export async function checkDevices (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  await t.test('a device is trusted on a pass that counts, and on no other', async t => {
    const [storage] = await open(t)
    t.equal(await trust(storage), false, 'not without two-factor authentication')
    await enabled(storage)
    await enabled(storage, 'eve')
    t.equal(await trust(storage, 'laptop', { passIdHash: Buffer.from('none') }), false)
    t.same(await storage.listDevices('ada', now), [])
    t.equal(await trust(storage), true)
    t.same(await storage.listDevices('ada', now), [
      { id: 'laptop', label: 'Firefox on laptop', createdAt: now, lastUsedAt: null, expiresAt: later(30 * day) }
    ])
    t.same(await storage.listDevices('eve', now), [])

    await storage.addAuthenticator('ada', { authenticator: authenticator('tablet'), pass: pass('second') }, 5)
    t.equal(await trust(storage, 'desktop'), false, 'a pass of an earlier generation')
    await storage.endPass('ada', Buffer.from('second'))
    t.equal(await trust(storage, 'desktop', { passIdHash: Buffer.from('second') }), false, 'a pass that was ended')
  })

  await t.test('a device in place of another one, and those that ran out, are forgotten', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await trust(storage, 'short', { expiresAt: later(10) })
    await trust(storage, 'old')
    await trust(storage, 'new', { replaces: 'old', at: later(10) })
    const ids = async (seconds: number) => (await storage.listDevices('ada', later(seconds))).map(({ id }) => id)
    t.same(await ids(0), ['new'])
    await trust(storage, 'newer', { at: later(20) })
    t.same(await ids(20), ['new', 'newer'], 'the oldest first')
  })

  await t.test('a token is rotated by its use, which records a pass of that device', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await trust(storage)
    t.equal(await use(storage, 'token-0', 'token-1'), 'rotated')
    t.match(await storage.findPass('ada', lastPass()), { method: 'trusted-device', passedAt: now, expiresAt: later(60 + day) })
    t.match(await storage.listDevices('ada', now), [{ id: 'laptop', lastUsedAt: later(60) }])
    t.equal(await use(other, 'token-1', 'token-2', day), 'rotated')
    t.equal(await use(storage, 'token-2', 'token-3', 30 * day - 1), 'rotated', 'up to its last second')
    t.equal(await use(storage, 'token-3', 'token-4', 30 * day), 'refused', 'and not beyond')
    t.equal(await storage.findPass('ada', lastPass()), undefined)
  })

  await t.test('the token before is honoured for as long as the grace is, and sets off the alarm then', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await trust(storage)
    await use(storage, 'token-0', 'token-1', 100)
    const [given, first] = [lastPass(), lastPass()]
    t.equal(await use(storage, 'token-0', 'token-1', 109.999), 'rotated', 'the same successor again')
    t.ok(await storage.findPass('ada', lastPass()))
    t.equal(await use(storage, 'token-0', 'other-1', 109.999), 'overtaken', 'another successor: the first one stays')
    t.ok(await storage.findPass('ada', lastPass()))
    t.equal(await use(storage, 'token-0', 'token-1', 110), 'reused')
    t.equal(await storage.findPass('ada', lastPass()), undefined, 'no pass')
    t.equal(await storage.findPass('ada', given), undefined, 'and those that the device gave are dead')
    t.equal(await storage.findPass('ada', first), undefined)
    t.ok(await storage.findPass('ada', pass().idHash), 'those of codes are not')
    t.same(await storage.listDevices('ada', now), [])
    t.equal(await use(storage, 'token-0', 'token-1', 111), 'refused', 'the alarm goes off once')
    t.equal(await use(storage, 'token-1', 'token-2', 111), 'refused', 'and the current token is dead too')
  })

  await t.test('a token of two rotations ago sets off the alarm at once', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await trust(storage)
    await use(storage, 'token-0', 'token-1', 60)
    await use(storage, 'token-1', 'token-2', 61)
    t.equal(await use(storage, 'token-0', 'token-1', 62), 'reused')
  })

  await t.test('40 uses of one token at once rotate it once and set off no alarm', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await trust(storage)
    const same = await times(40, index => use(index % 2 ? storage : other, 'token-0', 'token-1', 60))
    t.same(new Set(same), new Set(['rotated']), 'with one successor')
    const different = await times(40, index => use(index % 2 ? storage : other, 'token-1', `token-2-${index}`, 120))
    t.equal(different.filter(outcome => outcome === 'rotated').length, 1, 'with forty successors, one takes its place')
    t.equal(different.filter(outcome => outcome === 'overtaken').length, 39)
    t.equal(await use(storage, `token-2-${different.indexOf('rotated')}`, 'token-3', 180), 'rotated')
    t.equal(await use(storage, `token-2-${different.indexOf('overtaken')}`, 'token-3', 180), 'reused')
  })

  await t.test('of 40 uses at once of a token that was rotated away one sets off the alarm', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await trust(storage)
    await use(storage, 'token-0', 'token-1', 60)
    const outcomes = await times(40, index => use(index % 2 ? storage : other, 'token-0', 'token-1', 100))
    t.equal(outcomes.filter(outcome => outcome === 'reused').length, 1)
    t.equal(outcomes.filter(outcome => outcome === 'refused').length, 39)
  })

  await t.test('another user, another id and a user whose authenticators are disabled are refused', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await enabled(storage, 'eve')
    await trust(storage)
    t.equal(await use(storage, 'token-0', 'token-1', 60, { userId: 'eve' }), 'refused')
    t.equal(await use(storage, 'token-0', 'token-1', 60, { userId: 'nobody' }), 'refused')
    t.equal(await use(storage, 'token-0', 'token-1', 60, { id: 'desktop' }), 'refused')
    await storage.claimAttempt('ada', {
      now, method: 'authenticator', limit: 5, locks: [{ count: 5, until: later(60) }], disableAt: 1
    })
    t.equal(await use(storage, 'token-0', 'token-1'), 'refused')
    await storage.unlock('ada')
    t.equal(await use(storage, 'token-0', 'token-1'), 'rotated')
  })

  const changes: Record<string, (storage: TwoFactorStorage) => Promise<unknown>> = {
    'a reset': storage => storage.reset('ada'),
    'a reset and a new setup': async storage => {
      await storage.reset('ada')
      await enabled(storage)
    },
    'a new authenticator': storage => storage.addAuthenticator('ada', { authenticator: authenticator('tablet') }, 5),
    'a removed authenticator': async storage => {
      await storage.addAuthenticator('ada', { authenticator: authenticator('tablet'), pass: pass('second') }, 5)
      await trust(storage, 'desktop', { token: 'd-0', passIdHash: Buffer.from('second') })
      await storage.removeAuthenticator('ada', 'phone', { keepLast: true, keepPass: Buffer.from('second') })
      if (await use(storage, 'd-0', 'd-1', 60, { id: 'desktop' }) !== 'refused') throw new Error('it is trusted still')
    }
  }
  for (const [name, change] of Object.entries(changes)) {
    await t.test(`${name} ends every device and what it gave`, async t => {
      const [storage] = await open(t)
      await enabled(storage)
      await trust(storage)
      await use(storage, 'token-0', 'token-1')
      const given = lastPass()
      await change(storage)
      t.same(await storage.listDevices('ada', now), [])
      t.equal(await storage.findPass('ada', given), undefined)
      t.equal(await use(storage, 'token-1', 'token-2', 120), 'refused')
    })
  }

  await t.test('new recovery codes end no device', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await trust(storage)
    await storage.replaceRecoveryCodes('ada', { salt: Buffer.from('salt'), hashes })
    t.equal(await use(storage, 'token-0', 'token-1'), 'rotated')
  })

  await t.test('devices are revoked one by one and all at once, with the passes that they gave', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await enabled(storage, 'eve')
    for (const id of ['laptop', 'desktop', 'phone']) await trust(storage, id)
    await trust(storage, 'laptop', { userId: 'eve' })
    await use(storage, 'token-0', 'token-1')
    const given = lastPass()
    await use(storage, 'token-0', 'token-1', 60, { id: 'desktop' })
    const another = lastPass()

    const revoked = await times(10, index => (index % 2 ? storage : other).revokeDevices('ada', 'laptop'))
    t.same(revoked.flat(), ['laptop'], 'of ten calls at once one did it')
    t.equal(await storage.findPass('ada', given), undefined)
    t.ok(await storage.findPass('ada', another))
    t.ok(await storage.findPass('ada', pass().idHash))
    t.equal(await use(storage, 'token-1', 'token-2'), 'refused')
    t.same(await storage.revokeDevices('ada', 'unknown'), [])
    t.same((await storage.revokeDevices('ada')).sort(), ['desktop', 'phone'])
    t.equal(await storage.findPass('ada', another), undefined)
    t.equal((await storage.listDevices('eve', now)).length, 1, 'and nobody else lost one')
  })

  await t.test('a use that meets a reset or a revocation is wholly before it or wholly after', async t => {
    const [storage, other] = await open(t)
    for (const end of [() => storage.reset('ada'), () => storage.revokeDevices('ada')]) {
      await storage.reset('ada')
      await enabled(storage)
      await trust(storage)
      const before = passes
      await Promise.all([times(20, () => use(other, 'token-0', 'token-1')), end()])
      for (let index = before + 1; index <= passes; index++) {
        t.equal(await storage.findPass('ada', Buffer.from(`device-pass-${index}`)), undefined)
      }
    }
  })
}
