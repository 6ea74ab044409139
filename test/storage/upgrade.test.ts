import { Migrator } from 'kysely'
import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import { generateRecoveryCodes, hashRecoveryCode, normalizeRecoveryCode } from '../../plugin/otp/recovery-codes.js'
import { encodeBase32 } from '../../plugin/otp/base32.js'
import { createKeyRing } from '../../plugin/secrets/key-ring.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate, migrations } from '../../plugin/storage/migrate.js'
import { buildHost, codeAt, createClock, encryptionKeys, signIn } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'

t.test('a database of the first version, filled by it and upgraded: everything still works', async t => {
  const postgres = await startPostgres(t)
  const db = connect(t, await postgres.createDatabase())
  const initial = migrations.two_factor_0001_initial
  const first = new Migrator({
    db,
    provider: { getMigrations: async () => initial ? { two_factor_0001_initial: initial } : {} },
    migrationTableName: 'two_factor_migrations',
    migrationLockTableName: 'two_factor_migrations_lock'
  })
  t.equal((await first.migrateToLatest()).error, undefined)

  // As the first version wrote them.
  const clock = createClock()
  const ring = createKeyRing(encryptionKeys)
  const now = new Date(clock())
  const key = randomBytes(20)
  const salt = randomBytes(32)
  const codes = generateRecoveryCodes(10)
  const passId = randomBytes(16).toString('base64url')
  for (const user of ['ada', 'eve']) {
    await db.insertInto('two_factor_users').values({
      user_id: user,
      enabled_at: now,
      created_at: now,
      failed_attempts: 3,
      recovery_salt: ring.seal('recovery-salt', [user], salt)
    }).execute()
    const row = {
      user_id: user,
      id: 'phone',
      kind: 'local',
      name: 'My phone',
      secret: ring.seal('authenticator-secret', [user, 'phone'], key),
      key_encoding: 'base32',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
      last_step: 0,
      created_at: now,
      last_used_at: null
    }
    await db.insertInto('two_factor_authenticators').values(row as never).execute()
    const hashes = await Promise.all(codes.map(code => hashRecoveryCode(normalizeRecoveryCode(code) ?? '', salt)))
    await db.insertInto('two_factor_recovery_codes').values(hashes.map(hash => ({ user_id: user, hash, used_at: null }))).execute()
    const pass = {
      user_id: user,
      id_hash: createHash('sha256').update(passId).digest(),
      generation: 1,
      method: 'totp',
      passed_at: now,
      expires_at: new Date(clock() + 3_600_000)
    }
    await db.insertInto('two_factor_passes').values(pass as never).execute()
  }

  await t.rejects(buildHost(t, { clock, storage: kyselyStorage(db) }), { code: 'FST_2FA_BAD_OPTION', message: /migrate\(db\)/ })
  await migrate(db)
  await migrate(db)
  t.equal((await db.selectFrom('two_factor_authenticators').select('drift').executeTakeFirst())?.drift, 0)

  const host = await buildHost(t, { clock, storage: kyselyStorage(db), audit: true, trustedDevices: true })
  t.ok(await kyselyStorage(db).findPass('ada', createHash('sha256').update(passId).digest()), 'a pass from before counts')
  t.match(await host.app.twoFactor.status('ada'), { enabled: true, failedAttempts: 3, recoveryCodesLeft: 10 })
  const secret = encodeBase32(key)
  const client = await signIn(host)
  const verified = await client.post('/2fa/verify', { code: codeAt(secret, clock), trustDevice: true })
  t.same(verified.json(), { verified: true })
  t.match((await client.get('/2fa/authenticators')).json(), { authenticators: [{ id: 'phone', name: 'My phone' }] })
  t.equal((await client.get('/2fa/devices')).json<{ devices: unknown[] }>().devices.length, 1)
  const recovered = await (await signIn(host)).post('/2fa/recover', { code: codes[0] ?? '' })
  t.match(recovered.json(), { verified: true, recoveryCodesLeft: 9 })
  t.same(await host.app.twoFactor.rotateKeys(), { resealed: 0, failed: 0 })
  t.same((await host.app.twoFactor.events('ada')).map(({ type }) => type), ['recovered', 'device-trusted', 'verified'])

  const eve = await signIn(host, 'eve')
  await eve.post('/2fa/verify', { code: codeAt(secret, clock) })
  t.match((await eve.request({ method: 'DELETE', url: '/2fa/authenticators/phone' })).json(), { removed: true, enabled: false })
  t.equal(await host.app.twoFactor.reset('ada'), true)
})
