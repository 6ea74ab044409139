import type { Test } from 'tap'
import type { TwoFactorStorage } from '../../plugin/storage/storage.js'
import { authenticator, enabled, hashes, now, pass, rules } from './contract.js'

// A database that compares by the rules of a language takes some of these for one.
const alike = [
  'ada', 'Ada', 'ADA', 'ada ', ' ada', 'ada\t', 'ada\n', 'áda', 'a\u0301da', 'àda', 'ａda', 'ada\u200b', 'adaß', 'adass', '😀', '😁',
  'o\'hara', 'o"hara', 'o\\hara', 'o%', 'o_', '1', '01', '1.0', 'null'
]

/** What every storage must do about ids: it takes them as they are. */
export async function checkIds (
  t: Test, open: (t: Test) => Promise<[TwoFactorStorage, TwoFactorStorage]>
): Promise<void> {
  await t.test('user ids that look alike are different users', async t => {
    const [storage] = await open(t)
    for (const [index, user] of alike.entries()) {
      t.equal(await storage.isEnabled(user), false, JSON.stringify(user))
      const recoveryCodes = { salt: Buffer.from('salt'), hashes }
      const named = { ...authenticator(), name: user, lastStep: index }
      t.equal(await storage.enable(user, { authenticator: named, pass: pass(), recoveryCodes }), true)
    }
    for (const [index, user] of alike.entries()) {
      t.match((await storage.findStatus(user))?.authenticators, [{ name: user, lastStep: index }], JSON.stringify(user))
    }
    await storage.claimAttempt('ada', rules)
    await storage.endPass('ada', pass().idHash)
    await storage.reset('Ada')
    for (const user of alike.slice(2)) {
      t.match(await storage.findStatus(user), { enabledAt: now, failedAttempts: 0, recoveryCodesLeft: 3 })
      t.ok(await storage.findPass(user, pass().idHash))
    }
    t.match(await storage.countTotals(now), { enabled: alike.length - 1 })
  })

  await t.test('so are ids of authenticators, devices and events, and bytes', async t => {
    const [storage] = await open(t)
    await enabled(storage)
    for (const id of alike) t.equal(await storage.addAuthenticator('ada', { authenticator: authenticator(id) }, 99), 'added', JSON.stringify(id))
    t.equal(await storage.renameAuthenticator('ada', 'PHONE', 'x'), false)
    t.equal((await storage.findStatus('ada'))?.authenticators.length, alike.length + 1)
    await storage.recordEvents('ada', alike.map(id => ({ id, type: id, at: now, ip: null, detail: null })))
    const events = await storage.findEvents('ada', { limit: 99 })
    t.same(events.map(({ type }) => type).sort(), alike.toSorted())

    const bytes = [[0], [0, 0], [32], [0, 32], [97], [65], [255, 0, 254]].map(values => Buffer.from(values))
    for (const idHash of bytes) await storage.acceptProof('ada', { now, pass: { ...pass(), idHash, method: idHash.toString('hex') } })
    for (const idHash of bytes) t.match(await storage.findPass('ada', idHash), { method: idHash.toString('hex') })
  })

  await t.test('an id of 255 characters is as good as any, and a longer one is itself or refused', async t => {
    const [storage] = await open(t)
    const long = '😀'.repeat(255)
    await enabled(storage, long)
    t.equal(await storage.isEnabled(long), true)
    const refusals = await Promise.allSettled([
      enabled(storage, `${long}a`),
      storage.enableAll([{ userId: `${long}b`, authenticator: authenticator(), salt: Buffer.from('salt') }])
    ])
    for (const [index, refusal] of refusals.entries()) {
      t.equal(await storage.isEnabled(long + 'ab'[index]), refusal.status === 'fulfilled', refusal.status)
    }
    t.match(await storage.findStatus(long), { authenticators: [{ id: 'phone' }] })
    t.match((await storage.findStatus(long))?.authenticators, { length: 1 })
  })
}
