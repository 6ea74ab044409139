import t from 'tap'
import { buildServer, get, pinAt, vector } from './server.js'

const { secretCode: SecretCode, base32, pin: Pin, now } = vector

t.test('the vector: 12345678BXYT at 59 seconds is 198718', async t => {
  const app = await buildServer(t)
  const response = await get(app, '/Validate.aspx', { Pin, SecretCode })
  t.equal(response.statusCode, 200)
  t.equal(response.body, 'True')
  t.match(response.headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer'
  })
  t.equal((await get(app, '/VALIDATE.ASPX', { pin: '198719', SECRETCODE: SecretCode })).body, 'False')
})

t.test('I1 the tolerance is as configured and no wider, and 10 by default', async t => {
  const late = 1_700_000_000_000
  for (const tolerance of [undefined, 0, 1, 2, 10]) {
    const options = tolerance === undefined ? {} : { tolerance }
    const app = await buildServer(t, { clock: () => late, codeLimit: false, ...options })
    const width = tolerance ?? 10
    for (const steps of [-11, -10, -3, -2, -1, 0, 1, 2, 3, 10, 11]) {
      const { body } = await get(app, '/Validate.aspx', { Pin: pinAt(base32, late, steps), SecretCode })
      t.equal(body, Math.abs(steps) <= width ? 'True' : 'False', `${steps} steps at ${tolerance}`)
    }
  }
})

t.test('many SecretCodes: the pins of an independent library are right', async t => {
  const late = 1_800_000_000_000
  const app = await buildServer(t, { clock: () => late, tolerance: 0 })
  for (const code of ['1234', 'JBSWY3DPEHPK3PXP', 'a', ' ', "o'hara & sons", '~'.repeat(128), '%41+%20', 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PX2']) {
    const html = (await get(app, '/pair.aspx', { AppName: 'Acme', AppInfo: 'ada', SecretCode: code })).body
    const key = /pair with ([A-Z2-7]+)'/.exec(html)?.[1] ?? ''
    t.equal((await get(app, '/Validate.aspx', { Pin: pinAt(key, late), SecretCode: code })).body, 'True', code)
  }
})

t.test('I3 anything but six digits is False, spaces around them aside', async t => {
  const app = await buildServer(t, { codeLimit: false })
  for (const wrong of [
    '19871', '1987181', '0198718', '198 718', '19871８', '+198718', '-98718', '198718.0', '1e5', '0x1', 'abcdef', ' ', '198718\u0000',
    '198718,000000', '198718\' or \'1\'=\'1', '1'.repeat(64)
  ]) {
    const response = await get(app, '/Validate.aspx', { Pin: wrong, SecretCode })
    t.equal(response.statusCode, 200)
    t.equal(response.body, 'False', wrong)
  }
  for (const right of [' 198718', '198718 ', '\t198718\n']) {
    t.equal((await get(app, '/Validate.aspx', { Pin: right, SecretCode })).body, 'True')
  }
})

t.test('what is missing or empty is named in an answer of 200, the first one alone', async t => {
  const app = await buildServer(t)
  for (const [query, missing] of [
    ['', 'Pin'], ['SecretCode=x', 'Pin'], ['Pin=&SecretCode=x', 'Pin'], ['Pin=1', 'SecretCode'], ['Pin=1&SecretCode=', 'SecretCode']
  ] as const) {
    const response = await app.inject(`/Validate.aspx?${query}`)
    t.equal(response.statusCode, 200)
    t.equal(response.body, `Pass '${missing}' in QueryString`, query)
  }
})

t.test('I3 what is malformed is 400 and neither True nor False', async t => {
  const app = await buildServer(t)
  for (const [query, message] of [
    [`Pin=${Pin}&SecretCode=%D0%BF`, 'SecretCode must consist of printable ASCII characters'],
    [`Pin=${Pin}&SecretCode=a%0A`, 'SecretCode must consist of printable ASCII characters'],
    [`Pin=${Pin}&SecretCode=${'x'.repeat(129)}`, 'SecretCode must have 1 to 128 characters'],
    [`Pin=${'1'.repeat(65)}&SecretCode=x`, 'Pin must have at most 64 characters'],
    [`Pin=${Pin}&Pin=${Pin}&SecretCode=${SecretCode}`, 'Pin must be given once, as a string'],
    [`Pin=000000&PIN=${Pin}&SecretCode=${SecretCode}`, 'Pin must be given once, as a string'],
    [`Pin=${Pin}&SecretCode=x&SecretCode=${SecretCode}`, 'SecretCode must be given once, as a string']
  ] as const) {
    const response = await app.inject(`/Validate.aspx?${query}`)
    t.equal(response.statusCode, 400)
    t.equal(response.body, message)
  }
})

t.test('a query parser of the host changes nothing', async t => {
  const querystringParser = () => ({ Pin: '000000' })
  const app = await buildServer(t, { server: { routerOptions: { querystringParser } } })
  t.equal((await get(app, '/Validate.aspx', { Pin, SecretCode })).body, 'True')
})

t.test('a broken clock is a 500 that says nothing, and no answer', async t => {
  const app = await buildServer(t, { clock: () => NaN, codeLimit: false })
  const response = await get(app, '/Validate.aspx', { Pin, SecretCode })
  t.equal(response.statusCode, 500)
  t.equal(response.body, 'Internal Server Error')
})

t.test('options that are wrong or unknown stop the registration', async t => {
  for (const [option, value] of [
    ['tolerance', 11], ['tolerance', -1], ['tolerance', 1.5], ['tolerance', '1'], ['codeLimit', 5], ['codeLimit', null], ['codeLimit', { max: 0 }],
    ['codeLimit', { timeWindow: 10 }], ['codeLimit', { limit: 1 }], ['rateLimit', true], ['publicUrl', '/x'], ['publicUrl', 'ftp://x'],
    ['publicUrl', "https://x/'"], ['publicUrl', 'https://x/?a'], ['publicUrl', 5], ['publicUrl', 'https://[x'], ['clock', now], ['strict', true]
  ] as const) {
    await t.rejects(buildServer(t, { [option]: value }), { code: 'FST_2FA_BAD_OPTION' }, `${option}: ${String(value)}`)
  }
})
