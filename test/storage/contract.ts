import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import type {
  AttemptRules, GrantedClaim, NewAuthenticator, StoredPass, TwoFactorStorage
} from '../../plugin/storage/storage.js'

export const now = new Date('2026-01-01T00:00:00Z')
export const later = (seconds: number) => new Date(now.getTime() + seconds * 1000)

export function authenticator (id = 'phone'): NewAuthenticator {
  return {
    id,
    kind: 'local',
    name: 'My phone',
    secret: Buffer.from([0, 1, 2, 255]),
    keyEncoding: 'base32',
    algorithm: 'SHA1',
    digits: 6,
    period: 30,
    lastStep: 100,
    createdAt: now,
    lastUsedAt: null
  }
}

export function pass (id = 'pass', expiresAt = later(3600)): StoredPass {
  return { idHash: Buffer.from(id), method: 'totp', passedAt: now, expiresAt }
}

/** As long as that of a recovery code. */
export const recoveryHash = (text: string) => createHash('sha256').update(text).digest().subarray(0, 16)
export const hashes = ['one', 'two', 'three'].map(recoveryHash)

export const rules: AttemptRules = {
  now,
  method: 'authenticator',
  limit: 5,
  locks: [{ count: 10, until: later(120) }, { count: 5, until: later(60) }],
  disableAt: 12
}

export async function enabled (storage: TwoFactorStorage, userId = 'ada'): Promise<void> {
  await storage.enable(userId, {
    authenticator: authenticator(), pass: pass(), recoveryCodes: { salt: Buffer.from('salt'), hashes }
  })
}

export const times = <Result>(count: number, task: (index: number) => Promise<Result>) =>
  Promise.all(Array.from({ length: count }, (_, index) => task(index)))

/**
 * What every storage must do. Run it against yours.
 *
 * @param open - Gives two storages on the same empty tables, each with connections of its own where that is possible.
 */
export async function checkStorage (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  await t.test('a user is enabled once, wholly', async t => {
    const [storage, other] = await open(t)
    t.equal(await storage.isEnabled('ada'), false)
    t.equal(await storage.findStatus('ada'), undefined)

    const results = await times(10, index => (index % 2 ? storage : other).enable('ada', {
      authenticator: authenticator(`phone-${index}`),
      pass: pass(`pass-${index}`),
      recoveryCodes: {
        salt: Buffer.from(`salt-${index}`), hashes: hashes.map(hash => recoveryHash(`${hash.toString('hex')}${index}`))
      }
    }))

    t.equal(results.filter(Boolean).length, 1, 'of ten concurrent calls one wins')
    const winner = results.indexOf(true)
    t.equal(await storage.isEnabled('ada'), true)
    const status = await storage.findStatus('ada')
    t.match(status, { enabledAt: now, failedAttempts: 0, lockedUntil: null, disabledAt: null, recoveryCodesLeft: 3 })
    t.same(status?.authenticators.map(({ id }) => id), [`phone-${winner}`])
    t.ok(await storage.findPass('ada', Buffer.from(`pass-${winner}`)))
    t.equal(await storage.findPass('ada', Buffer.from(`pass-${(winner + 1) % 10}`)), undefined)
    t.equal(await storage.isEnabled('eve'), false, 'and nobody else is')
  })

  await t.test('an authenticator is read back as it was written', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    const [read] = (await storage.findStatus('ada'))?.authenticators ?? []
    const { secret, ...rest } = authenticator()
    t.match(read, rest)
    t.same([...read?.secret ?? []], [...secret])
    const sample = await storage.sampleSecret()
    t.match(sample, { userId: 'ada' })
    t.same([...sample?.secret ?? []], [0, 1, 2, 255])
  })

  await t.test('claimAttempt counts, locks at the limit and answers what a check needs', async t => {
    const [storage] = await open(t)
    t.match(await storage.claimAttempt('ada', rules), { granted: false, enabled: false })
    await enabled(storage)

    const claims: GrantedClaim[] = []
    for (let count = 1; count <= 5; count++) claims.push(await storage.claimAttempt('ada', rules) as GrantedClaim)
    t.same(claims.map(claim => claim.failedAttempts), [1, 2, 3, 4, 5])
    t.same(claims.map(claim => claim.lockedUntil), [null, null, null, null, later(60)])
    t.same(claims[0]?.authenticators.map(({ id, lastStep }) => ({ id, lastStep })), [{ id: 'phone', lastStep: 100 }])
    t.equal(Buffer.from(claims[0]?.recoverySalt ?? []).toString(), 'salt')

    t.match(await storage.claimAttempt('ada', rules), { granted: false, enabled: true, lockedUntil: later(60), disabledAt: null })
    t.match(await storage.claimAttempt('ada', { ...rules, now: later(60) }), { granted: true, failedAttempts: 6, lockedUntil: null },
      'a lock ends, the count stays')
    t.match(await storage.findStatus('ada'), { failedAttempts: 6 })
  })

  await t.test('locks grow, and too many wrong codes disable the authenticators until an unlock', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    const until: Array<number | undefined> = []
    for (let count = 1; count <= 12; count++) {
      const claim = await storage.claimAttempt('ada', { ...rules, now: later(count * 1000) })
      until.push(claim.lockedUntil?.getTime())
    }
    t.equal(until[4], later(60).getTime())
    t.equal(until[9], later(120).getTime())

    t.match(await storage.claimAttempt('ada', { ...rules, now: later(99_000) }), { granted: false, disabledAt: later(12_000) })
    const recovery = await storage.claimAttempt('ada', { ...rules, method: 'recovery', now: later(99_000) })
    t.match(recovery, { granted: true, authenticators: [] }, 'recovery codes are still taken')

    t.equal(await storage.unlock('ada'), true)
    t.match(await storage.claimAttempt('ada', rules), { granted: true, failedAttempts: 1 })
    t.equal(await storage.unlock('eve'), false)
  })

  await t.test('the budget holds for concurrent claims on two connections pools', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    const claims = await times(60, index => (index % 2 ? storage : other).claimAttempt('ada', rules))
    t.equal(claims.filter(claim => claim.granted).length, 5)
    t.match(await storage.findStatus('ada'), { failedAttempts: 5, lockedUntil: later(60) })
  })

  await t.test('a used code is refused until it has run out, whatever else is known of it', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    const usedCode = (text: string, until = later(660)) =>
      ({ authenticatorId: 'phone', fingerprint: Buffer.from(text), until })
    const accept = (text: string, at = now, step?: number, id = text, from = storage) => from.acceptStep('ada', {
      authenticatorId: 'phone', step, usedCode: usedCode(text, new Date(at.getTime() + 660_000)), now: at, pass: pass(id)
    })

    await storage.claimAttempt('ada', rules)
    const results = await times(20, index => accept('a', now, undefined, `a-${index}`, index % 2 ? storage : other))
    t.equal(results.filter(Boolean).length, 1, 'of twenty concurrent calls one wins')
    t.ok(await storage.findPass('ada', Buffer.from(`a-${results.indexOf(true)}`)))
    t.equal(await storage.findPass('ada', Buffer.from(`a-${results.indexOf(false)}`)), undefined)
    t.match(await storage.findStatus('ada'), { failedAttempts: 0, authenticators: [{ lastStep: 100, lastUsedAt: now }] })

    t.equal(await accept('a', later(659), 105), false, 'also if its step is new')
    t.match(await storage.findStatus('ada'), { authenticators: [{ lastStep: 100, lastUsedAt: now }] }, 'then no step is burned')
    t.equal(await accept('b', later(10), 105), true, 'another code')
    t.equal(await accept('c', later(20), 105), false, 'another code of the same step')
    t.equal(await accept('a', later(660)), true, 'the same digits, when they are another code')
    t.equal(await accept('a', later(661)), false)
    t.match(await storage.findStatus('ada'), { authenticators: [{ lastStep: 105 }] })

    await storage.reset('ada')
    t.equal(await accept('d'), false, 'not without two-factor authentication')
    await enabled(storage)
    t.equal(await accept('a', later(662)), true, 'a reset forgets')
  })

  await t.test('the code of a setup is used with it', async t => {
    const [storage] = await open(t)
    const usedCode = (authenticatorId: string) => ({ authenticatorId, fingerprint: Buffer.from('a'), until: later(660) })
    const recoveryCodes = { salt: Buffer.from('salt'), hashes }
    await storage.enable('ada', { authenticator: authenticator(), usedCode: usedCode('phone'), pass: pass(), recoveryCodes })
    await storage.addAuthenticator('ada', {
      authenticator: authenticator('tablet'), usedCode: usedCode('tablet'), pass: pass('second')
    }, 5)
    for (const id of ['phone', 'tablet']) {
      const again = { authenticatorId: id, step: undefined, usedCode: usedCode(id), now }
      t.equal(await storage.acceptStep('ada', again), false, id)
    }
  })

  await t.test('an enrolment from elsewhere has no codes and no pass', async t => {
    const [storage] = await open(t)
    const recoveryCodes = { salt: Buffer.from('salt'), hashes: [] }
    t.equal(await storage.enable('ada', { authenticator: authenticator(), recoveryCodes }), true)
    t.match(await storage.findStatus('ada'), { recoveryCodesLeft: 0, authenticators: [{ id: 'phone' }] })
    t.equal(await storage.addAuthenticator('ada', { authenticator: authenticator('tablet') }, 5), 'added')
  })

  await t.test('sealed values are counted by their mark, listed in pages, and replaced if they are still the same', async t => {
    const [storage] = await open(t)
    const mark = Buffer.from([1, 2, 3, 4, 5])
    for (const user of ['ada', 'bob', 'eve']) {
      const secret = Buffer.concat([mark, Buffer.from(user)])
      const recoveryCodes = { salt: Buffer.concat([mark, Buffer.from('salt')]), hashes }
      await storage.enable(user, { authenticator: { ...authenticator(), secret }, pass: pass(), recoveryCodes })
    }
    for (const kind of ['secrets', 'recovery-salts'] as const) {
      t.same((await storage.countSealed(kind)).map(({ mark, count }) => [...mark, count]), [[1, 2, 3, 4, 5, 3]])
      const exceptMark = Buffer.from([9, 9, 9, 9, 9])
      const first = await storage.listSealed(kind, { exceptMark, limit: 2 })
      t.same(first.map(({ userId }) => userId), ['ada', 'bob'])
      const rest = await storage.listSealed(kind, { exceptMark, after: first[1], limit: 2 })
      t.same(rest.map(({ userId, id }) => [userId, id]), [['eve', kind === 'secrets' ? 'phone' : '']])
      t.same(await storage.listSealed(kind, { exceptMark: mark, limit: 10 }), [])

      const replacement = Buffer.from([9, 9, 9, 9, 9, 1])
      const values = [...first, ...rest].map(value => ({ ...value, replacement }))
      t.equal(await storage.replaceSealed(kind, values.slice(0, 2)), 2)
      t.equal(await storage.replaceSealed(kind, values), 1, 'two of them are not what they were')
      t.same((await storage.countSealed(kind)).map(({ mark, count }) => [...mark, count]), [[9, 9, 9, 9, 9, 3]])
    }
    const [read] = (await storage.findStatus('ada'))?.authenticators ?? []
    t.same([...read?.secret ?? []], [9, 9, 9, 9, 9, 1])
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: 101, resealed: Buffer.from([7]), now }), true)
    t.same([...(await storage.findStatus('ada'))?.authenticators[0]?.secret ?? []], [7])
  })

  await t.test('authenticators are moved to another verifier by their ids', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await storage.addAuthenticator('ada', { authenticator: authenticator('tablet'), pass: pass('second') }, 5)
    await enabled(storage, 'eve')
    t.equal(await storage.setKind('ada', ['phone', 'watch'], 'remote'), 1)
    const kinds = async (user: string) =>
      (await storage.findStatus(user))?.authenticators.map(({ id, kind }) => `${id}: ${kind}`).sort()
    t.same(await kinds('ada'), ['phone: remote', 'tablet: local'])
    t.same(await kinds('eve'), ['phone: local'])
  })

  await t.test('a refunded attempt is not counted, and takes back the lock that it set and no other', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    const claims: GrantedClaim[] = []
    for (let count = 1; count <= 5; count++) claims.push(await storage.claimAttempt('ada', rules) as GrantedClaim)

    await storage.refundAttempt('ada', claims[0] as GrantedClaim)
    t.match(await storage.findStatus('ada'), { failedAttempts: 4, lockedUntil: later(60) })
    await storage.refundAttempt('ada', claims[4] as GrantedClaim)
    t.match(await storage.findStatus('ada'), { failedAttempts: 3, lockedUntil: null })
    for (let count = 1; count <= 5; count++) await storage.refundAttempt('ada', claims[0] as GrantedClaim)
    t.match(await storage.findStatus('ada'), { failedAttempts: 0 }, 'never below zero')
  })

  await t.test('a time step is accepted once, and only if it is newer', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await storage.claimAttempt('ada', rules)
    const accept = (storage: TwoFactorStorage, step: number, id: string) => storage.acceptStep('ada', {
      authenticatorId: 'phone', step, now, pass: pass(id)
    })

    t.equal(await accept(storage, 100, 'same'), false, 'the step that the setup used')
    t.match(await storage.findStatus('ada'), { failedAttempts: 1 }, 'a refusal clears nothing')
    t.equal(await storage.findPass('ada', Buffer.from('same')), undefined, 'and records no pass')

    const results = await times(40, index => accept(index % 2 ? storage : other, 101, `pass-${index}`))
    t.equal(results.filter(Boolean).length, 1)
    const winner = results.indexOf(true)
    t.match(await storage.findPass('ada', Buffer.from(`pass-${winner}`)), { method: 'totp', passedAt: now, expiresAt: later(3600) })
    t.equal(await storage.findPass('eve', Buffer.from(`pass-${winner}`)), undefined, 'the pass is nobody else\'s')
    t.match(await storage.findStatus('ada'), { failedAttempts: 0 })

    t.equal(await accept(storage, 99, 'older'), false)
    t.equal(await accept(storage, 103, 'newer'), true)
    t.equal(await accept(storage, 102, 'between'), false)
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: 104, now }), true, 'also without a pass')
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'other', step: 105, now }), false)
    t.equal(await storage.acceptStep('eve', { authenticatorId: 'phone', step: 105, now }), false)
  })

  await t.test('C3 neighbouring steps in parallel only ever rise', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    const accepted: number[] = []
    await times(60, async index => {
      const step = 101 + index % 3
      if (await (index % 2 ? storage : other).acceptStep('ada', { authenticatorId: 'phone', step, now })) accepted.push(step)
    })
    t.ok(accepted.length >= 1 && accepted.length <= 3)
    t.equal(new Set(accepted).size, accepted.length, 'none twice')
    t.match((await storage.findStatus('ada'))?.authenticators[0], { lastStep: 103, lastUsedAt: now })
  })

  await t.test('an accepted code lifts the lock that its own attempt set', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    for (let count = 1; count <= 5; count++) await storage.claimAttempt('ada', rules)
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: 101, now }), true)
    t.match(await storage.findStatus('ada'), { failedAttempts: 0, lockedUntil: null })
  })

  await t.test('a recovery code is accepted once', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await enabled(storage, 'eve')
    const accept = (storage: TwoFactorStorage, hash: Uint8Array, id: string) =>
      storage.acceptRecoveryCode('ada', { hash, now, pass: pass(id) })

    const results = await times(40, index => accept(index % 2 ? storage : other, recoveryHash('one'), `pass-${index}`))
    t.equal(results.filter(Boolean).length, 1)
    t.match(await storage.findStatus('ada'), { recoveryCodesLeft: 2 })
    t.match(await storage.findStatus('eve'), { recoveryCodesLeft: 3 }, 'the same hash of another user is untouched')
    t.equal(await accept(storage, recoveryHash('four'), 'unknown'), false)
    t.equal(await storage.acceptRecoveryCode('bob', { hash: recoveryHash('two'), now }), false)

    const across = Buffer.concat(hashes).subarray(24, 40)
    t.equal(await accept(storage, across, 'across'), false, 'the end of one and the beginning of the next is none')
    for (const text of ['three', 'two']) t.equal(await accept(storage, recoveryHash(text), text), true)
    t.equal(await accept(storage, recoveryHash('two'), 'again'), false)
    t.match(await storage.findStatus('ada'), { recoveryCodesLeft: 0 })
  })

  await t.test('a hash of another length is refused, and nothing is written', async t => {
    const [storage] = await open(t)
    const recoveryCodes = { salt: Buffer.from('salt'), hashes: [Buffer.alloc(15)] }
    await t.rejects(storage.enable('ada', { authenticator: authenticator(), recoveryCodes }), RangeError)
    t.equal(await storage.findStatus('ada'), undefined)
    await enabled(storage)
    await t.rejects(storage.replaceRecoveryCodes('ada', recoveryCodes), RangeError)
    t.match(await storage.findStatus('ada'), { recoveryCodesLeft: 3 })
  })

  await t.test('recovery codes are replaced as a whole', async t => {
    const [storage, other] = await open(t)
    t.equal(await storage.replaceRecoveryCodes('ada', { salt: Buffer.from('x'), hashes }), false, 'not without two-factor')
    await enabled(storage)
    await times(10, index => (index % 2 ? storage : other).replaceRecoveryCodes('ada', {
      salt: Buffer.from(`salt-${index}`),
      hashes: [1, 2].map(code => recoveryHash(`${index}-${code}`))
    }))
    t.match(await storage.findStatus('ada'), { recoveryCodesLeft: 2 })
    const claim = await storage.claimAttempt('ada', { ...rules, method: 'recovery' }) as GrantedClaim
    const last = Buffer.from(claim.recoverySalt ?? []).toString().split('-')[1]
    t.equal(await storage.acceptRecoveryCode('ada', { hash: recoveryHash(`${last}-1`), now }), true, 'salt and hashes are of one set')
    t.equal(await storage.acceptRecoveryCode('ada', { hash: recoveryHash('one'), now }), false)
  })

  await t.test('an authenticator is added beside the others, up to the maximum, and revokes earlier passes', async t => {
    const [storage, other] = await open(t)
    const add = (storage: TwoFactorStorage, id: string) =>
      storage.addAuthenticator('ada', { authenticator: authenticator(id), pass: pass(id) }, 3)
    t.equal(await add(storage, 'early'), 'not-enabled')
    await enabled(storage)

    const results = await times(6, index => add(index % 2 ? storage : other, `tablet-${index}`))
    t.same([...results].sort(), ['added', 'added', 'full', 'full', 'full', 'full'])
    t.equal((await storage.findStatus('ada'))?.authenticators.length, 3)
    t.equal(await storage.findPass('ada', pass().idHash), undefined, 'the pass from before is revoked')
    t.equal(await add(storage, 'phone'), 'known', 'none is added twice')
  })

  await t.test('a new authenticator replaces those that were disabled', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await storage.claimAttempt('ada', { ...rules, disableAt: 1 })
    t.equal(await storage.addAuthenticator('ada', { authenticator: authenticator('new'), pass: pass('new') }, 1), 'added')
    const status = await storage.findStatus('ada')
    t.match(status, { failedAttempts: 0, disabledAt: null })
    t.same(status?.authenticators.map(({ id }) => id), ['new'])
  })

  await t.test('a pass ends alone, and expired ones are swept up by the next', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await storage.acceptStep('ada', { authenticatorId: 'phone', step: 101, now, pass: pass('short', later(10)) })
    await storage.acceptStep('ada', { authenticatorId: 'phone', step: 102, now, pass: pass('long') })
    await storage.endPass('ada', pass().idHash)
    t.equal(await storage.findPass('ada', pass().idHash), undefined)
    t.ok(await storage.findPass('ada', Buffer.from('short')))

    await storage.acceptStep('ada', { authenticatorId: 'phone', step: 103, now: later(10) })
    t.equal(await storage.findPass('ada', Buffer.from('short')), undefined)
    t.ok(await storage.findPass('ada', Buffer.from('long')))
  })

  await t.test('reset turns everything off, and passes from before stay worthless afterwards', async t => {
    const [storage, other] = await open(t)
    t.equal(await storage.reset('ada'), false)
    await enabled(storage)
    await enabled(storage, 'eve')

    const [accepted] = await Promise.all([
      times(20, index => other.acceptStep('ada', { authenticatorId: 'phone', step: 101 + index, now, pass: pass(`race-${index}`) })),
      storage.reset('ada')
    ])
    t.equal(await storage.isEnabled('ada'), false)
    t.match(await storage.findStatus('ada'), { enabledAt: null, authenticators: [], recoveryCodesLeft: 0 })

    await enabled(storage)
    for (const index of accepted.keys()) {
      t.equal(await storage.findPass('ada', Buffer.from(`race-${index}`)), undefined, 'a pass that raced the reset is dead')
    }
    t.equal(await storage.isEnabled('eve'), true)
  })
}
