import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import t from 'tap'
import { kyselyStorage, type Cipher, type SealBinding, type TwoFactorEvent } from '../plugin/index.js'
import { openDatabase } from './helpers/database.js'
import {
  buildHost, codeAt, createClock, enrol, enrolByImport, intercept, signIn, wrongCode, type Enrolled,
  type Host, type Imported
} from './helpers/host.js'

const newKey = () => randomBytes(32).toString('base64')

/** A key management service as it could be, on AES-GCM: bound to what it is told, and asynchronous. */
function createKms (keyId?: string) {
  const key = randomBytes(32)
  const bound = (binding: SealBinding) => Buffer.from(JSON.stringify(Object.entries(binding).sort()))
  const kms = { isDown: false, calls: 0 }
  const answer = async <Result>(work: () => Result): Promise<Result> => {
    kms.calls++
    await new Promise(resolve => setImmediate(resolve))
    if (kms.isDown) throw new Error('The key management service is down')
    return work()
  }
  const cipher: Cipher = {
    ...(keyId !== undefined && { keyId }),
    seal: (plain, binding) => answer(() => {
      const nonce = randomBytes(12)
      const gcm = createCipheriv('aes-256-gcm', key, nonce).setAAD(bound(binding))
      return Buffer.concat([nonce, gcm.update(plain), gcm.final(), gcm.getAuthTag()])
    }),
    open: (sealed, binding) => answer(() => {
      const gcm = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(bound(binding)).setAuthTag(sealed.subarray(-16))
      return Buffer.concat([gcm.update(sealed.subarray(12, -16)), gcm.final()])
    })
  }
  return Object.assign(kms, { cipher })
}

type Enrol = (host: Host, user: string) => Promise<Imported & Partial<Enrolled>>

async function setUp (users: number, enrolUser: Enrol = enrolByImport) {
  const clock = createClock()
  const storage = kyselyStorage(await openDatabase())
  const [old, current] = [newKey(), newKey()]
  const before = await buildHost(t, { clock, storage, encryptionKeys: [old] })
  const secrets = new Map<string, string>()
  const recoveryCodes = new Map<string, string>()
  for (let index = 0; index < users; index++) {
    const user = `user-${index}`
    const { secret, recoveryCodes: [code = ''] = [] } = await enrolUser(before, user)
    secrets.set(user, secret)
    recoveryCodes.set(user, code)
  }
  clock.advance(30)
  return { clock, storage, old, current, before, secrets, recoveryCodes }
}

t.test('E4 rotation: everything goes over to the first key, everybody signs in, and the old key can go', async t => {
  const { clock, storage, old, current, secrets, recoveryCodes } = await setUp(5, enrol)
  const both = await buildHost(t, { clock, storage, encryptionKeys: [current, old] })
  const { keyUsage, rotateKeys } = both.app.twoFactor
  t.match(await keyUsage(), [{ by: 'encryptionKeys', current: false, available: true, secrets: 5, recoverySalts: 5 }])

  const progress: unknown[] = []
  t.same(await rotateKeys({ batchSize: 2, onProgress: step => { progress.push(step) } }), { resealed: 10, failed: 0 })
  t.same(progress, [2, 4, 5, 7, 9, 10].map(done => ({ done, total: 10 })))
  t.match(await keyUsage(), [{ current: true, available: true, secrets: 5, recoverySalts: 5 }])
  t.same(await rotateKeys(), { resealed: 0, failed: 0 }, 'there is nothing left')

  const after = await buildHost(t, { clock, storage, encryptionKeys: [current] })
  for (const [user, secret] of secrets) {
    t.equal((await (await signIn(after, user)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
    const recovery = await (await signIn(after, user)).post('/2fa/recover', { code: recoveryCodes.get(user) ?? '' })
    t.equal(recovery.statusCode, 200, 'the salt of the recovery codes is the same')
  }
})

t.test('a rotation that did something is told, once', async t => {
  const { clock, storage, old, current } = await setUp(2)
  const events: TwoFactorEvent[] = []
  const host = await buildHost(t, {
    clock, storage, encryptionKeys: [current, old], audit: true, onEvent: event => { events.push(event) }
  })
  await host.app.twoFactor.rotateKeys()
  await host.app.twoFactor.rotateKeys()
  t.match(events, [{ type: 'keys-rotated', userId: '', resealed: 4, failed: 0 }])
  t.equal(events.length, 1)
  // The audit of what changes no user is written on the side.
  let kept: TwoFactorEvent[] = []
  while (kept.length === 0) kept = await host.app.twoFactor.events('')
  t.same(kept, events)
})

t.test('a key that is missing is told before anybody needs it, and what it sealed stays as it is', async t => {
  const { clock, storage, old, current, before, secrets } = await setUp(3)
  const both = await buildHost(t, { clock, storage, encryptionKeys: [current, old] })
  await enrolByImport(both, 'new')
  const after = await buildHost(t, {
    clock,
    // What the database answers first is of the new key, so the start cannot tell.
    storage: { ...storage, sampleSecret: async () => undefined },
    encryptionKeys: [current]
  })
  const usage = (await after.app.twoFactor.keyUsage()).sort((a, b) => a.secrets - b.secrets)
  t.match(usage, [{ current: true, available: true, secrets: 1 }, { current: false, available: false, secrets: 3 }])
  t.match(usage.map(({ id }) => id), [/^[0-9a-f]{8}$/, /^[0-9a-f]{8}$/])
  t.same(await after.app.twoFactor.rotateKeys(), { resealed: 0, failed: 6 })
  const code = codeAt(secrets.get('user-0') ?? '', clock)
  t.match(await (await signIn(after, 'user-0')).post('/2fa/verify', { code }), { statusCode: 503 })
  t.equal((await (await signIn(before, 'user-0')).post('/2fa/verify', { code })).statusCode, 200, 'nothing is lost')
})

t.test('a secret goes over when it is used, by the statement that accepts the code', async t => {
  const { clock, storage, old, current, secrets } = await setUp(1)
  const calls: string[] = []
  const host = await buildHost(t, {
    clock, encryptionKeys: [current, old], storage: intercept(storage, name => { calls.push(name) })
  })
  const secret = secrets.get('user-0') ?? ''
  const client = await signIn(host, 'user-0')
  calls.length = 0
  await client.post('/2fa/verify', { code: wrongCode(secret, clock) })
  t.match(await host.app.twoFactor.keyUsage(), [{ current: false, secrets: 1 }], 'not by a wrong code')
  calls.length = 0
  t.equal((await client.post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
  t.same(calls, ['claimAttempt', 'acceptStep'])
  const usage = (await host.app.twoFactor.keyUsage()).sort((a, b) => a.secrets - b.secrets)
  t.match(usage, [{ current: false, secrets: 0, recoverySalts: 1 }, { current: true, secrets: 1, recoverySalts: 0 }])
  clock.advance(30)
  t.equal((await (await signIn(host, 'user-0')).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
})

t.test('rotation beside sign-ins, twice at once, stopped and run again', async t => {
  const { clock, storage, old, current, secrets } = await setUp(8)
  const hosts = [
    await buildHost(t, { clock, storage, encryptionKeys: [current, old] }),
    await buildHost(t, { clock, storage, encryptionKeys: [current, old] })
  ] as const
  const stop = new AbortController()
  const stopped = await hosts[0].app.twoFactor.rotateKeys({
    batchSize: 3, signal: stop.signal, onProgress: () => stop.abort()
  })
  t.same(stopped, { resealed: 3, failed: 0 })

  const verifies = [...secrets].map(async ([user, secret], index) => {
    const client = await signIn(hosts[index % 2 ? 0 : 1], user)
    return (await client.post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode
  })
  const rotations = hosts.map(({ app }) => app.twoFactor.rotateKeys({ batchSize: 2 }))
  t.same(await Promise.all(verifies), Array.from({ length: 8 }, () => 200))
  t.ok((await Promise.all(rotations)).every(({ failed }) => failed === 0))
  const usage = await hosts[0].app.twoFactor.keyUsage()
  t.match(usage, [{ current: true, secrets: 8, recoverySalts: 8 }])
  t.equal(usage.length, 1)
})

t.test('a cipher of the host', async t => {
  const clock = createClock()
  const kms = createKms()
  const storage = kyselyStorage(await openDatabase())
  const host = await buildHost(t, { clock, storage, encryptionKeys: undefined as never, cipher: kms.cipher })
  const { secret, recoveryCodes } = await enrol(host)
  clock.advance(30)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(secret, clock) })).statusCode, 200)
  t.equal((await (await signIn(host)).post('/2fa/recover', { code: recoveryCodes[0] ?? '' })).statusCode, 200)
  t.match(await host.app.twoFactor.keyUsage(), [{ by: 'cipher', current: true, available: true, secrets: 1, recoverySalts: 1 }])

  await t.test('down: 503, no attempt spent, no code used up; back: as before', async t => {
    kms.isDown = true
    clock.advance(30)
    const code = codeAt(secret, clock)
    const client = await signIn(host)
    t.match(await client.post('/2fa/verify', { code }), { statusCode: 503, headers: { 'retry-after': '5' } })
    t.match(await client.post('/2fa/recover', { code: recoveryCodes[1] ?? '' }), { statusCode: 503 })
    t.match(await (await signIn(host, 'eve')).post('/2fa/setup'), { statusCode: 503 })
    t.match(await host.app.twoFactor.status('ada'), { failedAttempts: 0 })
    t.ok(await buildHost(t, { clock, storage, encryptionKeys: undefined as never, cipher: kms.cipher }), 'an app starts without it')
    kms.isDown = false
    t.equal((await client.post('/2fa/verify', { code })).statusCode, 200)
  })

  await t.test('a pending setup waits for it', async t => {
    const client = await signIn(host, 'bob')
    const pending = (await client.post('/2fa/setup')).json<{ secret: string }>()
    kms.isDown = true
    t.match(await client.post('/2fa/setup/confirm', { code: codeAt(pending.secret, clock) }), { statusCode: 503 })
    kms.isDown = false
    t.equal((await client.post('/2fa/setup/confirm', { code: codeAt(pending.secret, clock) })).statusCode, 200)
  })

  await t.test('E3 what it sealed for one user does not open for another', async t => {
    const db = await openDatabase()
    const other = kyselyStorage(db)
    const there = await buildHost(t, { clock, storage: other, encryptionKeys: undefined as never, cipher: kms.cipher })
    const ada = await enrolByImport(there, 'ada')
    await enrolByImport(there, 'eve')
    const row = await db.selectFrom('two_factor_authenticators').select('secret').where('user_id', '=', 'ada').executeTakeFirstOrThrow()
    await db.updateTable('two_factor_authenticators').set({ secret: row.secret }).where('user_id', '=', 'eve').execute()
    clock.advance(30)
    t.match(await (await signIn(there, 'eve')).post('/2fa/verify', { code: codeAt(ada.secret, clock) }), { statusCode: 503 })
  })
})

t.test('from keys to a cipher, to another key of it, and back to keys', async t => {
  const { clock, storage, old, secrets } = await setUp(2)
  const [kms, next] = [createKms('one'), createKms('two')]
  const signsIn = async (host: Awaited<ReturnType<typeof buildHost>>) => {
    clock.advance(30)
    for (const [user, secret] of secrets) {
      const { statusCode } = await (await signIn(host, user)).post('/2fa/verify', { code: codeAt(secret, clock) })
      if (statusCode !== 200) return false
    }
    return true
  }
  const toCipher = await buildHost(t, { clock, storage, encryptionKeys: [old], cipher: kms.cipher })
  t.same(await toCipher.app.twoFactor.rotateKeys(), { resealed: 4, failed: 0 })
  t.ok(await signsIn(await buildHost(t, { clock, storage, encryptionKeys: undefined as never, cipher: kms.cipher })))

  // A service that opens with whichever of its keys it was.
  const renamed: Cipher = {
    keyId: 'two',
    seal: next.cipher.seal,
    open: async (sealed, binding) =>
      Promise.resolve(next.cipher.open(sealed, binding)).catch(() => kms.cipher.open(sealed, binding))
  }
  const toNext = await buildHost(t, { clock, storage, encryptionKeys: [old], cipher: renamed })
  t.same(await toNext.app.twoFactor.rotateKeys(), { resealed: 4, failed: 0 })
  t.match(await toNext.app.twoFactor.keyUsage(), [{ by: 'cipher', current: true, secrets: 2, recoverySalts: 2 }])
  t.ok(await signsIn(toNext))

  await t.rejects(buildHost(t, { clock, storage, encryptionKeys: [old] }), { code: 'FST_2FA_BAD_OPTION', message: /"cipher"/ })
  await t.rejects(buildHost(t, { clock, encryptionKeys: undefined as never }), { code: 'FST_2FA_BAD_OPTION', message: /"encryptionKeys"/ })
})
