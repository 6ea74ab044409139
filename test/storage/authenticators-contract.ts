import fc from 'fast-check'
import type { Test } from 'tap'
import type { TwoFactorStorage } from '../../plugin/storage/storage.js'
import { authenticator, enabled, hashes, later, now, pass, times } from './contract.js'

const idsOf = async (storage: TwoFactorStorage, user = 'ada') =>
  (await storage.findStatus(user))?.authenticators.map(({ id }) => id).sort()

const addTo = (storage: TwoFactorStorage, ids: string[], user = 'ada') => ids.reduce(async (before, id) => {
  await before
  await storage.addAuthenticator(user, { authenticator: authenticator(id), pass: pass(`added-${id}`) }, 9)
}, Promise.resolve())

/** What every storage must do about the authenticators of a user who has several. */
export async function checkAuthenticators (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  await t.test('an authenticator is renamed, and nothing else changes', async t => {
    const [storage] = await open(t)
    t.equal(await storage.renameAuthenticator('ada', 'phone', 'x'), false, 'not without two-factor authentication')
    await enabled(storage)
    await addTo(storage, ['tablet'])
    await enabled(storage, 'eve')
    const before = (await storage.findStatus('ada'))?.authenticators.find(({ id }) => id === 'tablet')
    const name = 'O\'Brien\'s "tablet" ☂; --'

    t.equal(await storage.renameAuthenticator('ada', 'tablet', name), true)
    t.equal(await storage.renameAuthenticator('ada', 'watch', 'x'), false)
    t.equal(await storage.renameAuthenticator('eve', 'tablet', 'x'), false, 'another user\'s')

    const after = (await storage.findStatus('ada'))?.authenticators ?? []
    t.strictSame(after.find(({ id }) => id === 'tablet'), { ...before, name })
    t.equal(after.find(({ id }) => id === 'phone')?.name, 'My phone', 'the others keep theirs')
    t.equal((await storage.findStatus('eve'))?.authenticators[0]?.name, 'My phone')
    t.ok(await storage.findPass('ada', pass('added-tablet').idHash), 'passes stay')
    await storage.reset('ada')
    t.equal(await storage.renameAuthenticator('ada', 'tablet', 'x'), false)
  })

  await t.test('a removed authenticator goes with its used codes, and with every pass but one', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await addTo(storage, ['tablet'])
    await enabled(storage, 'eve')
    const usedCode = (authenticatorId: string) => ({ authenticatorId, fingerprint: Buffer.from('a'), until: later(660) })
    for (const [id, by] of [['phone', 'one'], ['tablet', 'two']] as const) {
      t.equal(await storage.acceptStep('ada', { authenticatorId: id, step: undefined, usedCode: usedCode(id), now, pass: pass(by) }), true)
    }
    await storage.claimAttempt('ada', { now, method: 'recovery', limit: 5, locks: [{ count: 5, until: later(60) }], disableAt: 9 })

    t.equal(await storage.removeAuthenticator('ada', 'phone', { keepLast: false, keepPass: pass('one').idHash }), 'removed')
    t.strictSame(await idsOf(storage), ['tablet'])
    t.match(await storage.findStatus('ada'), { enabledAt: now, recoveryCodesLeft: 3, failedAttempts: 1 }, 'the count of wrong codes stays')
    t.match(await storage.findPass('ada', pass('one').idHash), { method: 'totp', passedAt: now, expiresAt: later(3600) }, 'as it was')
    t.equal(await storage.findPass('ada', pass('two').idHash), undefined)
    t.ok(await storage.findPass('eve', pass().idHash))
    t.strictSame(await idsOf(storage, 'eve'), ['phone'], 'another user\'s of the same id stays')

    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: 900, now, pass: pass('three') }), false, 'its codes are worth nothing')
    await addTo(storage, ['phone'])
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: undefined, usedCode: usedCode('phone'), now }), true, 'its used codes went with it')
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'tablet', step: undefined, usedCode: usedCode('tablet'), now }), false, 'the others\' did not')
  })

  await t.test('a pass that was revoked is not kept, and none is made', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await addTo(storage, ['tablet', 'watch', 'key'])
    const remove = (id: string, by: string) => storage.removeAuthenticator('ada', id, { keepLast: false, keepPass: pass(by).idHash })

    t.equal(await remove('tablet', 'added-tablet'), 'removed')
    t.equal(await storage.findPass('ada', pass('added-tablet').idHash), undefined, 'one of an earlier generation')
    await storage.acceptStep('ada', { authenticatorId: 'phone', step: 101, now, pass: pass('ended') })
    await storage.endPass('ada', pass('ended').idHash)
    t.equal(await remove('watch', 'ended'), 'removed')
    t.equal(await storage.findPass('ada', pass('ended').idHash), undefined, 'one that was ended')
    t.equal(await storage.removeAuthenticator('ada', 'key', { keepLast: false }), 'removed', 'without a pass at all')
  })

  await t.test('without the last authenticator two-factor authentication is off, unless it has to stay', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await enabled(storage, 'eve')
    t.equal(await storage.removeAuthenticator('ada', 'phone', { keepLast: true, keepPass: pass().idHash }), 'last')
    t.match(await storage.findStatus('ada'), { enabledAt: now, recoveryCodesLeft: 3, authenticators: [{ id: 'phone' }] })
    t.ok(await storage.findPass('ada', pass().idHash), 'nothing was written')

    t.equal(await storage.removeAuthenticator('ada', 'phone', { keepLast: false, keepPass: pass().idHash }), 'disabled')
    t.equal(await storage.isEnabled('ada'), false)
    t.match(await storage.findStatus('ada'), {
      enabledAt: null, failedAttempts: 0, lockedUntil: null, disabledAt: null, recoveryCodesLeft: 0
    })
    t.strictSame(await idsOf(storage), [])
    t.equal(await storage.removeAuthenticator('ada', 'phone', { keepLast: false }), 'unknown', 'a second time')
    await enabled(storage)
    t.ok(await storage.findPass('ada', pass().idHash), 'set up again')
    t.strictSame(await idsOf(storage, 'eve'), ['phone'])
  })

  await t.test('an authenticator of somebody else, or none, is unknown and changes nothing', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await addTo(storage, ['tablet'])
    await enabled(storage, 'eve')
    for (const [user, id] of [['ada', 'watch'], ['eve', 'tablet'], ['bob', 'phone'], ['ada', '']] as const) {
      t.equal(await storage.removeAuthenticator(user, id, { keepLast: false }), 'unknown', `${user} ${id}`)
    }
    t.strictSame(await idsOf(storage), ['phone', 'tablet'])
    t.strictSame(await idsOf(storage, 'eve'), ['phone'])
    t.ok(await storage.findPass('ada', pass('added-tablet').idHash))
  })

  await t.test('of parallel removals of all authenticators exactly one meets the last one', async t => {
    for (const keepLast of [false, true]) {
      const [storage, other] = await open(t)
      const several = fc.shuffledSubarray(['phone', 'tablet', 'watch', 'key'], { minLength: 2 })
      await fc.assert(fc.asyncProperty(several, async ids => {
        await storage.reset('ada')
        const recoveryCodes = { salt: Buffer.from('salt'), hashes }
        await storage.enable('ada', { authenticator: authenticator(ids[0]), recoveryCodes })
        await addTo(storage, ids.slice(1))
        // Each one twice: only one of the two may be told that it did it.
        const results = await times(ids.length * 2, index =>
          (index % 2 ? storage : other).removeAuthenticator('ada', ids[index >> 1] ?? '', { keepLast }))
        const count = (answer: string) => results.filter(result => result === answer).length
        const left = await idsOf(storage)
        return count('removed') === ids.length - 1 && left?.length === (keepLast ? 1 : 0) &&
          await storage.isEnabled('ada') === keepLast &&
          (keepLast ? count('disabled') === 0 && count('last') >= 1 : count('disabled') === 1 && count('last') === 0)
      }), { numRuns: 12 })
      t.pass(keepLast ? 'and that one stays' : 'and two-factor authentication is off')
    }
  })

  await t.test('codes that are accepted while their authenticator is removed leave no pass behind', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await addTo(storage, ['tablet'])
    await Promise.all([
      times(20, index => other.acceptStep('ada', { authenticatorId: 'phone', step: 101 + index, now, pass: pass(`race-${index}`) })),
      storage.removeAuthenticator('ada', 'phone', { keepLast: false })
    ])
    for (let index = 0; index < 20; index++) {
      t.equal(await storage.findPass('ada', pass(`race-${index}`).idHash), undefined, `code ${index}`)
    }
    t.strictSame(await idsOf(storage), ['tablet'])
  })

  await t.test('authenticators that are added and removed at once leave each other alone', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await addTo(storage, ['tablet', 'watch'])
    const [added, removed] = await Promise.all([
      times(4, index => other.addAuthenticator('ada', { authenticator: authenticator(`new-${index}`), pass: pass(`new-${index}`) }, 9)),
      Promise.all(['phone', 'tablet', 'watch'].map(id => storage.removeAuthenticator('ada', id, { keepLast: true })))
    ])
    const gone = ['phone', 'tablet', 'watch'].filter((_, index) => removed[index] === 'removed')
    t.strictSame(added, ['added', 'added', 'added', 'added'])
    t.strictSame(await idsOf(storage), ['new-0', 'new-1', 'new-2', 'new-3', ...['phone', 'tablet', 'watch'].filter(id => !gone.includes(id))])
    const passes = await times(4, index => storage.findPass('ada', pass(`new-${index}`).idHash))
    t.ok(passes.filter(Boolean).length <= 1, 'a pass from before the last change is dead')
  })
}
