import { randomBytes } from 'node:crypto'
import t, { type Test } from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { buildHost, codeAt, createClock, signIn } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { fillLevel, known, migrateToLevel, newestLevel } from './levels.js'

const postgres = startPostgres(t)

for (let level = 1; level < newestLevel; level++) {
  t.test(`a database of level ${level}, filled by that version: refused before it is upgraded, and then all goes on`, t => checkLevel(t, level))
}

async function checkLevel (t: Test, level: number): Promise<void> {
  const db = connect(t, await (await postgres).createDatabase())
  const clock = createClock()
  await migrateToLevel(db, level)
  await fillLevel(db, level, ['ada', 'eve'], new Date(clock()))
  const storage = kyselyStorage(db)
  await t.rejects(buildHost(t, { clock, storage }), { code: 'FST_2FA_BAD_OPTION', message: /migrate\(db\)/ })
  await migrate(db)
  await migrate(db)

  t.match(await storage.findStatus('ada'), { failedAttempts: 3, recoveryCodesLeft: 5, authenticators: [{ id: 'phone', drift: level >= 4 ? known.drift : 0 }] })
  t.ok(await storage.findPass('ada', known.passHash), 'a pass from before counts')
  if (level >= 2) {
    const { authenticatorId, fingerprint } = known.usedCode
    t.equal(await storage.acceptStep('eve', { authenticatorId, fingerprint, step: 9, now: new Date(clock()) }), false, 'a used code is used')
  }
  if (level >= 3) {
    const now = new Date(clock())
    const pass = { idHash: randomBytes(32), method: 'trusted-device', passedAt: now, expiresAt: new Date(clock() + 1000) }
    t.equal(await storage.useDevice('eve', { ...known.device, nextHash: randomBytes(32), now, graceSince: now, pass }), 'rotated')
  }

  const host = await buildHost(t, { clock, storage, audit: true, trustedDevices: true })
  const client = await signIn(host)
  const code = codeAt(known.secret, clock, level >= 4 ? known.drift : 0)
  t.same((await client.post('/2fa/verify', { code, trustDevice: true })).json(), { verified: true })
  t.match((await client.get('/2fa/authenticators')).json(), { authenticators: [{ id: 'phone', name: 'My phone' }] })
  t.equal((await client.get('/2fa/devices')).json<{ devices: unknown[] }>().devices.length, level >= 3 ? 2 : 1)
  const recovered = await (await signIn(host)).post('/2fa/recover', { code: known.recoveryCodes[0] ?? '' })
  t.match(recovered.json(), { verified: true, recoveryCodesLeft: 4 })
  t.same(await host.app.twoFactor.rotateKeys(), { resealed: 0, failed: 0 })
  t.same((await host.app.twoFactor.events('ada')).map(({ type }) => type), ['recovered', 'device-trusted', 'verified'])

  const eve = await signIn(host, 'eve')
  await eve.post('/2fa/verify', { code })
  t.match((await eve.request({ method: 'DELETE', url: '/2fa/authenticators/phone' })).json(), { removed: true, enabled: false })
  t.equal(await host.app.twoFactor.reset('ada'), true)
}
