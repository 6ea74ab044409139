import fc from 'fast-check'
import t from 'tap'
import type { ImportedSecret, TwoFactorEvent } from '../plugin/index.js'
import { buildHost, codeAt, createClock, enrol, signIn, wrongCode } from './helpers/host.js'

const base32 = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'

t.test('the app of a user of another system keeps working', async t => {
  const clock = createClock()
  const events: TwoFactorEvent[] = []
  const host = await buildHost(t, { clock, onEvent: event => { events.push(event) } })
  const { importSecret } = host.app.twoFactor
  const written: Array<[user: string, imported: ImportedSecret, inBase32: string]> = [
    ['otplib', { secret: base32 }, base32],
    ['typed', { secret: 'jbsw y3dp ehpk 3pxp jbsw y3dp ehpk 3pxp' }, base32],
    // The key of AuthenticatorAPI.com is the SecretCode's characters.
    ['authenticatorapi', { secret: '12345678BXYT', encoding: 'ascii' }, 'GEZDGNBVGY3TQQSYLFKA'],
    ['speakeasy-ascii', { secret: 'wfjt.PxT<5VRq0KH5d9?', encoding: 'ascii' }, 'O5TGU5BOKB4FIPBVKZJHCMCLJA2WIOJ7'],
    ['speakeasy-hex', { secret: '77666A742E5078543C35565271304B483564393F', encoding: 'hex' }, 'O5TGU5BOKB4FIPBVKZJHCMCLJA2WIOJ7']
  ]
  for (const [user, imported, inBase32] of written) {
    t.equal(await importSecret(user, imported), true, user)
    t.equal((await (await signIn(host, user)).get('/dashboard')).statusCode, 403, 'asked for a code from now on')
    const client = await signIn(host, user)
    t.equal((await client.post('/2fa/verify', { code: codeAt(inBase32, clock) })).statusCode, 200, user)
    t.match((await client.get('/2fa')).json(), {
      enabled: true, recoveryCodesLeft: 0, authenticators: [{ name: 'Authenticator app', kind: 'local' }]
    })
    t.equal((await client.post('/2fa/recovery-codes')).json<{ recoveryCodes: string[] }>().recoveryCodes.length, 5)
  }
  t.equal(events.filter(({ type }) => type === 'imported').length, written.length)
  t.notMatch(JSON.stringify(events), /JBSWY|12345678BXYT|wfjt/)
})

t.test('run again, it adds nothing; beside an authenticator that is there, it adds one', async t => {
  const clock = createClock()
  const host = await buildHost(t, { clock, maxAuthenticators: 2 })
  const { importSecret, status } = host.app.twoFactor
  t.equal(await importSecret('bob', { secret: base32, name: 'Old phone' }), true)
  t.equal(await importSecret('bob', { secret: base32.toLowerCase() }), false)
  t.match(await status('bob'), { authenticators: [{ name: 'Old phone' }] })

  const { secret, client } = await enrol(host)
  t.equal(await importSecret('ada', { secret: base32 }), true)
  clock.advance(31)
  t.equal((await client.get('/dashboard')).statusCode, 403, 'a further factor ends the passes from before')
  for (const each of [secret, base32]) {
    t.equal((await (await signIn(host)).post('/2fa/verify', { code: codeAt(each, clock) })).statusCode, 200)
  }
  await t.rejects(importSecret('ada', { secret: base32.replaceAll('J', 'K') }), { code: 'FST_2FA_AUTHENTICATOR_LIMIT' })
})

t.test('of twenty imports at once one adds it', async t => {
  const { app } = await buildHost(t)
  const results = await Promise.all(Array.from({ length: 20 }, () => app.twoFactor.importSecret('ada', { secret: base32 })))
  t.equal(results.filter(Boolean).length, 1)
  t.equal((await app.twoFactor.status('ada')).authenticators.length, 1)
})

t.test('a user who is disabled after too many wrong codes is not let in by an import', async t => {
  const clock = createClock()
  const host = await buildHost(t, { clock, lockout: { attempts: 1, disableAfter: 1 } })
  const { secret } = await enrol(host)
  clock.advance(30)
  await (await signIn(host)).post('/2fa/verify', { code: wrongCode(secret, clock) })
  const { importSecret, unlock } = host.app.twoFactor
  await t.rejects(importSecret('ada', { secret: base32 }), { code: 'FST_2FA_BAD_SECRET', message: /unlock or reset/ })
  await unlock('ada')
  t.equal(await importSecret('ada', { secret: base32 }), true)
  t.equal((await host.app.twoFactor.status('ada')).authenticators.length, 2)
})

t.test('other codes than those of most apps', async t => {
  const clock = createClock()
  const host = await buildHost(t, { clock, digits: 8 })
  const { importSecret } = host.app.twoFactor
  await importSecret('ada', { secret: base32, algorithm: 'SHA256', digits: 8 })
  const code = codeAt(base32, clock, 0, 'SHA256', 8)
  t.equal((await (await signIn(host)).post('/2fa/verify', { code })).statusCode, 200)

  await t.rejects(importSecret('eve', { secret: base32, digits: 7 }), { code: 'FST_2FA_BAD_SECRET', message: /option digits to 7/ })
})

t.test('what is refused, with nothing of it repeated', async t => {
  const { app } = await buildHost(t)
  const { importSecret, status } = app.twoFactor
  for (const [given, message] of [
    [{ secret: 'JBSWY3DP' }, /less than 80 bits/],
    [{ secret: '' }, /less than 80 bits/],
    [{ secret: '123456789', encoding: 'ascii' }, /less than 80 bits/],
    [{ secret: base32.replace('J', '1') }, /A to Z and the digits 2 to 7/],
    [{ secret: `${base32}A` }, /cut short/],
    [{ secret: 'kücheküche12', encoding: 'ascii' }, /printable ASCII/],
    [{ secret: '0'.repeat(41), encoding: 'hex' }, /hex digits/],
    [{ secret: 'zz'.repeat(20), encoding: 'hex' }, /hex digits/],
    [{ secret: base32, algorithm: 'MD5' }, /algorithm must be/],
    [{ secret: base32, algorithm: 'sha1' }, /algorithm must be/],
    [{ secret: base32, digits: 5 }, /digits must be/],
    [{ secret: base32, period: 0 }, /period must be/],
    [{ secret: base32, period: 1.5 }, /period must be/],
    [{ secret: base32, encoding: 'base64' }, /"base32", "ascii" or "hex"/],
    [{ secret: 12345678901234 }, /string/],
    [{ secret: undefined }, /string/]
  ] as const) {
    const error = await t.rejects(importSecret('ada', given as never), { code: 'FST_2FA_BAD_SECRET', message }) as Error
    if (typeof given.secret === 'string' && given.secret.length > 5) t.notOk(String(error.stack).includes(given.secret.slice(0, 6)))
  }
  await t.rejects(importSecret('ada', { secret: base32, kind: 'pigeon' }), { code: 'FST_2FA_BAD_OPTION', message: /"pigeon"/ })
  t.match(await status('ada'), { enabled: false, authenticators: [] })
})

t.test('whatever is given, it is taken over wholly or refused by its code', async t => {
  const { app } = await buildHost(t)
  let user = 0
  await fc.assert(fc.asyncProperty(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom('base32', 'ascii', 'hex'),
    async (secret, encoding) => {
      const id = `user-${user++}`
      const done = await app.twoFactor.importSecret(id, { secret, encoding: encoding as 'base32' })
        .catch((error: { code?: string }) => error.code)
      const { enabled } = await app.twoFactor.status(id)
      return enabled ? done === true : done === 'FST_2FA_BAD_SECRET'
    }), { numRuns: 200 })
})
