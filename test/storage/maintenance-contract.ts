import type { Test } from 'tap'
import type { ImportedEnrolment, TwoFactorStorage } from '../../plugin/storage/storage.js'
import { authenticator, enabled, later, now, pass, recoveryHash, times } from './contract.js'

/** An enrolment from elsewhere. */
function imported (userId: string, id = 'imported-1'): ImportedEnrolment {
  return { userId, authenticator: authenticator(id), salt: Buffer.from([0, 1, 255]) }
}

/** What every storage must do about maintenance. */
export async function checkMaintenance (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  await t.test('many users are enabled at once, and those who are there stay as they are', async t => {
    const [storage] = await open(t)
    await enabled(storage, 'bob')
    await enabled(storage, 'mia')
    await storage.reset('mia')
    await storage.enableAll([imported('zoe')])
    const event = { id: '1', type: 'imported', at: later(5), ip: null, detail: '{"authenticatorId":"imported-1"}' }
    const given = ['zoe', 'bob', 'mia', 'O\'Hara "\\ é', 'ada'].map(userId => ({ ...imported(userId), event: { ...event } }))
    const answer = await storage.enableAll(given)
    t.same([...answer.enabled].sort(), ['O\'Hara "\\ é', 'ada'])
    t.same([...answer.known], ['zoe'])

    t.match(await storage.findStatus('ada'), { enabledAt: now, disabledAt: null, failedAttempts: 0, recoveryCodesLeft: 0 })
    t.match((await storage.findStatus('ada'))?.authenticators, [{ ...authenticator('imported-1'), lastUsedAt: null }])
    t.match((await storage.findStatus('bob'))?.authenticators, [{ id: 'phone' }], 'nothing is added to somebody who is there')
    t.equal((await storage.findStatus('bob'))?.authenticators.length, 1)
    t.equal(await storage.isEnabled('mia'), false, 'nor to somebody who turned it off')
    const salts = await storage.listSealed('recovery-salts', { exceptMark: Buffer.alloc(5), limit: 10 })
    t.same(salts.find(({ userId }) => userId === 'ada')?.value, Buffer.from([0, 1, 255]))
    t.same(await storage.findEvents('ada', { limit: 5 }), [event])
    t.same(await storage.findEvents('bob', { limit: 5 }), [], 'what did not happen is not written')
    t.ok(await storage.replaceRecoveryCodes('ada', { salt: Buffer.from('new'), hashes: [recoveryHash('one')] }))
  })

  await t.test('of many imports at once, in whichever order, each user is enabled by one', async t => {
    const storages = await open(t)
    const users = Array.from({ length: 60 }, (_, index) => `user-${index}`)
    const answers = await times(8, index => {
      const order = index % 2 ? users : users.toReversed()
      return storages[index % 3 ? 0 : 1].enableAll(order.map(user => imported(user)))
    })
    t.same(answers.flatMap(({ enabled }) => [...enabled]).sort(), users.toSorted())
    t.equal(answers.flatMap(({ known }) => [...known]).length, 7 * 60)
  })

  await t.test('users with another kind of authenticator are listed by id, page by page', async t => {
    const [storage] = await open(t)
    await storage.enableAll(['c', 'a', 'b'].map(user => imported(user)))
    await storage.addAuthenticator('a', { authenticator: authenticator('second') }, 5)
    await storage.setKind('b', ['imported-1'], 'remote')
    t.same(await storage.listOtherKinds('remote', { limit: 10 }), ['a', 'c'])
    t.same(await storage.listOtherKinds('remote', { limit: 1 }), ['a'])
    t.same(await storage.listOtherKinds('remote', { after: 'a', limit: 1 }), ['c'])
    t.same(await storage.listOtherKinds('remote', { after: 'c', limit: 1 }), [])
    t.same(await storage.listOtherKinds('local', { limit: 10 }), ['b'])
  })

  await t.test('authenticators of many users change their kind at once, with their events', async t => {
    const [storage, other] = await open(t)
    await storage.enableAll(['a', 'b', 'c'].map(user => imported(user)))
    await storage.addAuthenticator('a', { authenticator: authenticator('second') }, 5)
    await storage.setKind('b', ['imported-1'], 'remote')
    const event = { id: '1', type: 'verifier-switched', at: later(5), ip: null, detail: null }
    const both = await Promise.all([storage, other].map(each =>
      each.setKindOfAll('remote', ['a', 'b', 'none'].map(userId => ({ userId, event: { ...event, id: each === other ? '2' : '1' } })))))
    t.same(both.flatMap(counts => [...counts]), [['a', 2]])
    t.same(await storage.listOtherKinds('remote', { limit: 10 }), ['c'])
    t.equal((await storage.findEvents('a', { limit: 5 })).length, 1)
    t.same(await storage.findEvents('b', { limit: 5 }), [], 'nothing happened to somebody who had none of another kind')
    t.match(await storage.findStatus('a'), { authenticators: [{ secret: Buffer.from([0, 1, 2, 255]) }, { lastStep: 100 }] })
  })

  await t.test('rows that ran out are forgotten page by page, and no other', async t => {
    const [storage, other] = await open(t)
    for (const user of ['a', 'b', 'c']) {
      const recoveryCodes = { salt: Buffer.from('salt'), hashes: [] }
      await storage.enable(user, { authenticator: authenticator(), pass: pass('short', later(10)), recoveryCodes })
    }
    await storage.acceptStep('b', { authenticatorId: 'phone', step: 200, now: later(1), pass: pass('long', later(100)) })
    t.same(await storage.pruneExpired('passes', { now: later(9), limit: 100 }), { deleted: 0, last: 'c' })
    t.same(await storage.pruneExpired('passes', { now: later(10), limit: 1 }), { deleted: 1, last: 'a' })
    const rest = { now: later(10), after: 'a', limit: 10 }
    const both = await Promise.all([storage, other].map(each => each.pruneExpired('passes', rest)))
    t.equal(both.reduce((sum, { deleted }) => sum + deleted, 0), 2)
    t.same(await storage.pruneExpired('passes', { now: later(10), after: 'c', limit: 1 }), { deleted: 0, last: undefined })
    t.match(await storage.findPass('b', Buffer.from('long')), { expiresAt: later(100) })
    t.equal(await storage.findPass('b', Buffer.from('short')), undefined)
    for (const table of ['used_codes', 'trusted_devices'] as const) {
      t.same(await storage.pruneExpired(table, { now, limit: 1 }), { deleted: 0, last: undefined })
    }
  })

  await t.test('users and authenticators are counted', async t => {
    const [storage] = await open(t)
    t.same(await storage.countTotals(now), { enabled: 0, locked: 0, disabled: 0, authenticators: {} })
    for (const user of ['ada', 'bob', 'eve', 'mia']) await enabled(storage, user)
    await storage.reset('mia')
    await storage.setKind('bob', ['phone'], 'remote')
    const rules = { now, method: 'authenticator' as const, limit: 1, locks: [{ count: 1, until: later(60) }] }
    await storage.claimAttempt('ada', { ...rules, disableAt: 9 })
    await storage.claimAttempt('eve', { ...rules, disableAt: 1 })
    t.same(await storage.countTotals(later(1)), {
      enabled: 3, locked: 2, disabled: 1, authenticators: { local: 2, remote: 1 }
    })
    t.match(await storage.countTotals(later(60)), { locked: 0, disabled: 1 }, 'a lock that is over counts no more')
  })
}
