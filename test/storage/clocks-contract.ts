import type { Test } from 'tap'
import type { GrantedClaim, TwoFactorStorage } from '../../plugin/storage/storage.js'
import { authenticator, enabled, later, now, pass, rules, times } from './contract.js'

/** What a storage must do for clocks that are off. Part of what every storage must pass. */
export async function checkClocks (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  const usedCode = (text: string, until = later(1000), authenticatorId = 'phone') =>
    ({ authenticatorId, fingerprint: Buffer.from(text), until })
  const read = async (storage: TwoFactorStorage, id = 'phone') =>
    (await storage.findStatus('ada'))?.authenticators.find(authenticator => authenticator.id === id)

  await t.test('a code of another time is burnt once, and remembered until a code is accepted', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    await storage.claimAttempt('ada', rules)
    t.match(await read(storage), { drift: 0, hint: null })

    const results = await times(20, index =>
      (index % 2 ? storage : other).burnCode('ada', { usedCode: usedCode('a'), step: 110, now: later(1) }))
    t.equal(results.filter(Boolean).length, 1, 'of twenty concurrent calls one wins')
    t.match(await read(storage), { drift: 0, lastStep: 100, lastUsedAt: null, hint: { step: 110, at: later(1) } })
    t.match(await storage.findStatus('ada'), { failedAttempts: 1 }, 'which clears no count')
    const claim = await storage.claimAttempt('ada', rules)
    t.match((claim as GrantedClaim).authenticators, [{ drift: 0, hint: { step: 110, at: later(1) } }])

    const accept = (step: number, text: string, at = later(2)) => storage.acceptStep('ada', {
      authenticatorId: 'phone', step, fingerprint: Buffer.from(text), now: at, pass: pass(`${text}-${step}`)
    })
    t.equal(await accept(110, 'a'), false, 'it is not accepted when its time has come')
    t.equal(await accept(111, 'a', later(999)), false, 'also as the code of another step')
    t.equal(await storage.findPass('ada', Buffer.from('a-110')), undefined)
    t.match(await read(storage), { lastStep: 100, hint: { step: 110 } })
    t.equal(await accept(109, 'b'), true, 'but its neighbours are')
    t.match(await read(storage), { lastStep: 109, hint: null })
    t.equal(await accept(112, 'a', later(1000)), true, 'and the same digits, when they are another code')
    t.equal(await storage.burnCode('ada', { usedCode: usedCode('c'), step: 112, now }), false, 'a used step gives no hint')
    t.match(await read(storage), { lastStep: 112, hint: null })
  })

  await t.test('codes are burnt for one authenticator of one user, and forgotten with it', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    await enabled(storage, 'eve')
    await storage.addAuthenticator('ada', { authenticator: authenticator('tablet'), pass: pass('second') }, 5)
    t.equal(await storage.burnCode('bob', { usedCode: usedCode('a'), step: 110, now }), false)
    t.equal(await storage.burnCode('ada', { usedCode: usedCode('a', later(9), 'watch'), step: 110, now }), false)
    t.equal(await storage.burnCode('ada', { usedCode: usedCode('a'), step: 110, now }), true)
    t.match(await read(storage, 'tablet'), { hint: null })
    const accept = (userId: string, authenticatorId: string) =>
      storage.acceptStep(userId, { authenticatorId, step: 110, fingerprint: Buffer.from('a'), now })
    t.equal(await accept('ada', 'phone'), false)
    t.equal(await accept('ada', 'tablet'), true)
    t.equal(await accept('eve', 'phone'), true)
    await storage.reset('ada')
    await enabled(storage)
    t.equal(await accept('ada', 'phone'), true)
  })

  await t.test('a code resyncs if the hint that it confirms still stands, once', async t => {
    const [storage, other] = await open(t)
    await enabled(storage)
    const resync = (storage: TwoFactorStorage, step: number, hintedStep = 110) => storage.acceptStep('ada', {
      authenticatorId: 'phone', step, fingerprint: Buffer.from(String(step)), hintedStep, drift: 10, now, pass: pass(`${step}`)
    })
    t.equal(await resync(storage, 111), false, 'without a hint')
    await storage.burnCode('ada', { usedCode: usedCode('a'), step: 110, now })
    t.equal(await resync(storage, 112, 111), false, 'with another hint')
    t.match(await read(storage), { drift: 0, lastStep: 100 })
    const results = await times(20, index => resync(index % 2 ? storage : other, 111 + index % 3))
    t.equal(results.filter(Boolean).length, 1, 'of twenty concurrent calls one wins')
    t.match(await read(storage), { drift: 10, lastStep: 111 + results.indexOf(true) % 3, hint: null })
    await storage.acceptStep('ada', { authenticatorId: 'phone', step: 120, now })
    t.match(await read(storage), { drift: 10, lastStep: 120 }, 'a drift stays until it is known better')
  })
}
