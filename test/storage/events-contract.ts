import type { Test } from 'tap'
import type { GrantedClaim, StoredEvent, TwoFactorStorage } from '../../plugin/storage/storage.js'
import { authenticator, enabled, later, now, pass, recoveryHash, rules, times } from './contract.js'

const event = (id: string, at = now, type = 'noted'): StoredEvent => ({ id, type, at, ip: '192.0.2.1', detail: '{"name":"☂ \\"x\\""}' })

/** What every storage must do about the audit. */
export async function checkEvents (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  const told = async (storage: TwoFactorStorage, user = 'ada') =>
    (await storage.findEvents(user, { limit: 99 })).map(({ id, type }) => `${id} ${type}`)
  const audit = (index: number) => ({ id: `a${index}`, lockId: `b${index}`, ip: index % 2 ? '192.0.2.1' : null })

  await t.test('events are read back as they were written, the newest first, page by page', async t => {
    const [storage] = await open(t)
    const events = ['1', '2', '3'].map(id => event(id, later(Number(id) + 0.123)))
    await storage.recordEvents('ada', events)
    await storage.recordEvents('ada', [])
    await storage.recordEvents('eve', [event('2')])
    t.strictSame(await storage.findEvents('ada', { limit: 9 }), events.toReversed())
    t.strictSame(await storage.findEvents('ada', { limit: 1 }), events.slice(2))
    t.strictSame(await storage.findEvents('ada', { before: '3', limit: 1 }), events.slice(1, 2))
    t.strictSame(await storage.findEvents('ada', { before: '1', limit: 1 }), [])
    await storage.recordEvents('ada', [{ ...event('2', later(99), 'changed'), ip: null, detail: null }])
    t.strictSame((await storage.findEvents('ada', { limit: 9 }))[1], { ...events[1], type: 'changed', detail: null }, 'what it turned out to be')
    t.same(await told(storage, 'eve'), ['2 noted'])
  })

  await t.test('old events of all users are forgotten, so many at a time', async t => {
    const [storage] = await open(t)
    for (const user of ['ada', 'eve']) await storage.recordEvents(user, [1, 2, 3].map(second => event(String(second), later(second))))
    t.equal(await storage.pruneEvents(later(3), 3), 3)
    t.equal(await storage.pruneEvents(later(3), 3), 1)
    t.equal(await storage.pruneEvents(later(3), 3), 0)
    t.same([await told(storage), await told(storage, 'eve')], [['3 noted'], ['3 noted']])
  })

  await t.test('an attempt is kept as failed, with the lock that it sets, until it turns out to be right', async t => {
    const [storage] = await open(t)
    await storage.claimAttempt('ada', { ...rules, audit: audit(0) })
    t.same(await told(storage), [], 'not without two-factor authentication')
    await enabled(storage)
    const claims: GrantedClaim[] = []
    for (let index = 1; index <= 5; index++) claims.push(await storage.claimAttempt('ada', { ...rules, audit: audit(index) }) as GrantedClaim)
    await storage.claimAttempt('ada', { ...rules, audit: audit(6) })
    t.same(await told(storage), ['b5 locked', 'a5 failed', 'a4 failed', 'a3 failed', 'a2 failed', 'a1 failed'], 'none that was refused')
    const [lock, , fourth] = await storage.findEvents('ada', { limit: 9 })
    t.strictSame(lock, { id: 'b5', type: 'locked', at: now, ip: '192.0.2.1', detail: JSON.stringify({ lockedUntil: later(60) }) })
    t.strictSame(fourth, { id: 'a4', type: 'failed', at: now, ip: null, detail: null })

    await storage.refundAttempt('ada', claims[4] as GrantedClaim, audit(5))
    t.same(await told(storage), ['a4 failed', 'a3 failed', 'a2 failed', 'a1 failed'], 'one that could not be checked leaves nothing')
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: 100, now, audit: audit(4) }), false)
    t.match(await told(storage), ['a4 failed'])
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: 101, now, audit: audit(4) }), true)
    t.equal(await storage.acceptRecoveryCode('ada', { hash: recoveryHash('one'), now, audit: audit(3) }), true)
    t.equal(await storage.acceptProof('ada', { now, pass: pass('proof'), audit: audit(2) }), true)
    t.same(await told(storage), ['a4 verified', 'a3 recovered', 'a2 verified', 'a1 failed'])
  })

  await t.test('the lock for good is told, and goes with the code that was right after all', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    const claim = await storage.claimAttempt('ada', { ...rules, disableAt: 1, audit: audit(1) }) as GrantedClaim
    t.match(claim, { disabledAt: now, lockedUntil: null })
    t.match(await storage.findEvents('ada', { limit: 1 }), [{ id: 'b1', detail: '{"lockedUntil":null}' }])
    await storage.claimAttempt('ada', { ...rules, now: later(1), method: 'recovery', disableAt: 1, audit: audit(2) })
    t.same(await told(storage), ['b1 locked', 'a2 failed', 'a1 failed'], 'once')
    t.equal(await storage.acceptStep('ada', { authenticatorId: 'phone', step: 101, now, disabledAt: claim.disabledAt, audit: audit(1) }), true)
    t.match(await storage.findStatus('ada'), { disabledAt: null })
    t.same(await told(storage), ['a2 failed', 'a1 verified'])
  })

  await t.test('a change and its events are written both or not at all', async t => {
    const [storage, other] = await open(t)
    const results = await times(6, index => (index % 2 ? storage : other).withEvents('ada',
      storage => storage.enable('ada', { authenticator: authenticator(`phone-${index}`), recoveryCodes: { salt: Buffer.of(1), hashes: [] } }),
      enabled => enabled ? [event(String(index))] : []))
    const winner = results.indexOf(true)
    t.equal(results.filter(Boolean).length, 1)
    t.same(await told(storage), [`${winner} noted`])
    const failing = storage.withEvents('ada', storage => storage.reset('ada'), () => { throw new Error('no event') })
    await t.rejects(failing, { message: 'no event' })
    t.equal(await storage.isEnabled('ada'), true, 'and nothing was reset')
    t.equal(await storage.withEvents('ada', storage => storage.removeAuthenticator('ada', `phone-${winner}`, { keepLast: false }), () => [event('z')]), 'disabled')
    t.match(await told(storage), ['z noted'])
  })
}
