import t from 'tap'
import { buildHost, codeAt, enrol, signIn, wrongCode } from './helpers/host.js'

t.test('a user enrols, signs in again with a code and gets in', async t => {
  const host = await buildHost(t)
  const { app, clock } = host
  t.match((await app.inject('/dashboard')).json(), { statusCode: 401, code: 'FST_2FA_UNAUTHENTICATED' })

  const client = await signIn(host)
  t.same((await client.get('/dashboard')).json(), { dashboard: true }, 'without two-factor a marked route is open')
  t.match((await client.get('/admin')).json(), { statusCode: 403, code: 'FST_2FA_SETUP_REQUIRED', setupUrl: '/2fa/setup' })
  t.match((await client.post('/transfer')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
  t.same((await client.get('/2fa')).json(), {
    enabled: false,
    verified: false,
    verifiedAt: null,
    authenticators: [],
    recoveryCodesLeft: 0,
    lockedUntil: null,
    required: false,
    requiredFrom: null,
    daysLeft: null
  })

  const setup = await client.post('/2fa/setup')
  t.equal(setup.statusCode, 200)
  const { secret, uri, qrSvg, expiresAt, ...rest } = setup.json<Record<string, string>>()
  t.match(secret, /^[A-Z2-7]{32}$/)
  t.match(uri, /^otpauth:\/\/totp\/Acme:ada%40example\.com\?secret=/)
  t.match(qrSvg, /^<svg/)
  t.equal(expiresAt, '2026-01-01T00:10:00.000Z')
  t.same(rest, {})

  t.match((await client.post('/2fa/setup/confirm', { code: wrongCode(secret ?? '', clock) })).json(), { statusCode: 401, code: 'FST_2FA_INVALID_CODE' })
  const unprintable = await client.post('/2fa/setup/confirm', { code: codeAt(secret ?? '', clock), name: 'a\u0000b' })
  t.equal(unprintable.statusCode, 400, 'a name that cannot be stored costs no code')
  const confirmed = await client.post('/2fa/setup/confirm', { code: codeAt(secret ?? '', clock), name: 'Pixel' })
  t.equal(confirmed.statusCode, 200, confirmed.body)
  const { recoveryCodes } = confirmed.json<{ recoveryCodes: string[] }>()
  t.equal(new Set(recoveryCodes).size, 5)
  t.same((await client.get('/admin')).json(), { admin: true }, 'who confirmed has passed')
  t.same((await client.post('/transfer')).json(), { sent: true })

  const second = await signIn(host)
  const refused = await second.get('/dashboard')
  t.match(refused.json(), { statusCode: 403, error: 'Forbidden', code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' })
  t.equal(Number(refused.headers['content-length']), Buffer.byteLength(refused.body))
  t.equal(refused.headers['cache-control'], 'no-store')
  t.match((await second.get('/2fa/')).json(), { enabled: true, verified: false, authenticators: null, recoveryCodesLeft: null })

  t.match((await second.post('/2fa/verify', { code: codeAt(secret ?? '', clock) })).json(), { code: 'FST_2FA_INVALID_CODE' },
    'the code that confirmed is used')
  clock.advance(30)
  t.same((await second.post('/2fa/verify', { code: codeAt(secret ?? '', clock) })).json(), { verified: true })
  t.same((await second.get('/dashboard')).json(), { dashboard: true })
  t.match((await second.get('/2fa')).json(), {
    enabled: true,
    verified: true,
    verifiedAt: '2026-01-01T00:00:30.000Z',
    authenticators: [{ name: 'Pixel', createdAt: '2026-01-01T00:00:00.000Z', lastUsedAt: '2026-01-01T00:00:30.000Z' }],
    recoveryCodesLeft: 5
  })

  clock.advance(301)
  t.match((await second.post('/transfer')).json(), { code: 'FST_2FA_REQUIRED' }, 'a pass grows too old for a step-up')
  t.same((await second.get('/dashboard')).json(), { dashboard: true })
  t.same((await second.post('/2fa/verify', { code: codeAt(secret ?? '', clock) })).json(), { verified: true })
  t.same((await second.post('/transfer')).json(), { sent: true })

  t.same((await second.post('/2fa/recovery-codes')).json<{ recoveryCodes: string[] }>().recoveryCodes.length, 5)
  clock.advance(30)
  t.same((await second.post('/2fa/disable', { code: codeAt(secret ?? '', clock) })).json(), { enabled: false })
  t.match((await second.get('/admin')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
  t.match((await client.get('/admin')).json(), { code: 'FST_2FA_SETUP_REQUIRED' })
})

t.test('a recovery code gets in once', async t => {
  const host = await buildHost(t)
  const { recoveryCodes: [code = ''] } = await enrol(host)
  const client = await signIn(host)
  const typed = code.toLowerCase().replaceAll('-', ' ')
  t.same((await client.post('/2fa/recover', { code: typed })).json(), { verified: true, recoveryCodesLeft: 4 })
  t.same((await client.get('/dashboard')).json(), { dashboard: true })

  const second = await signIn(host)
  t.match((await second.post('/2fa/recover', { code })).json(), { statusCode: 401, code: 'FST_2FA_INVALID_CODE' })
})

t.test('sign-out ends the pass everywhere, also for a session that comes back', async t => {
  const host = await buildHost(t)
  const { client } = await enrol(host)
  t.same((await client.get('/dashboard')).json(), { dashboard: true })
  const stolen = { ...client.cookies }
  await client.post('/logout')
  const thief = await signIn(host)
  thief.cookies = stolen
  t.match((await thief.get('/dashboard')).json(), { code: 'FST_2FA_UNAUTHENTICATED' })
})
