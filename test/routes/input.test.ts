import fc from 'fast-check'
import type { InjectOptions } from 'fastify'
import { Readable } from 'node:stream'
import t, { type Test } from 'tap'
import { kyselyStorage } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import {
  buildHost, Client, codeAt, enrol, enrolByImport, intercept, signIn, wrongCode, type Host, type Imported
} from '../helpers/host.js'

/** A host with an enrolled user, whose claimed attempts are counted. */
const build = (t: Test) => buildFor(t, enrolByImport)
const buildWithRecoveryCodes = (t: Test) => buildFor(t, enrol)

async function buildFor<User extends Imported> (t: Test, enrolUser: (host: Host) => Promise<User>) {
  const counted = { claims: 0 }
  const storage = intercept(kyselyStorage(await openDatabase()), method => { if (method === 'claimAttempt') counted.claims++ })
  const host = await buildHost(t, { rateLimit: false, storage })
  const user = await enrolUser(host)
  counted.claims = 0
  return { ...host, counted, ...user }
}

const json = { 'content-type': 'application/json' }
const form = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin', accept: 'application/json' }
const unsafe = ['/2fa/setup', '/2fa/setup/confirm', '/2fa/verify', '/2fa/recover', '/2fa/recovery-codes', '/2fa/disable']
const takingCodes = ['/2fa/setup/confirm', '/2fa/verify', '/2fa/recover', '/2fa/disable']

// Neither six digits nor sixteen characters of a recovery code.
const noCodes: unknown[] = [
  123456, 12345, 0, -1, 1e5, 123456.5, true, false, null, [], ['123456'], [123456], {}, { digits: '123456' }, { toString: '123456' },
  '', ' ', '1', '12345', '1234567', '12345678', '123456789', '12345a', 'abcdef', '0x1e24', '1e5', '1e00005', '+12345', '-12345', '12.3456', '12,456',
  '123_456', '１２３４５６', '١٢٣٤٥٦', '१२३४५६', '①②③④⑤⑥', '𝟏𝟐𝟑𝟒𝟓𝟔', '123456\u0000', '\u0000123456', '123456;', '123456&x=1', "123456' OR 1=1", '123456%00',
  '\u200b123456', '12345\u0660', '1'.repeat(17), 'A'.repeat(15), 'A'.repeat(17), 'É'.repeat(16), '   123456   '.repeat(3), ' '.repeat(60) + '123456',
  '1'.repeat(7000), '--', '\ud800', '<script>', '\r\n'
]

t.test('I3 what is no code is 400 in every place that takes one, and no attempt', async t => {
  const { client, counted } = await build(t)
  await client.post('/2fa/setup')
  for (const url of takingCodes) {
    for (const code of noCodes) {
      const response = await client.post(url, { code } as object)
      t.match(response.json(), { statusCode: 400, code: 'FST_ERR_VALIDATION', error: 'Bad Request' }, `${url} ${JSON.stringify(code).slice(0, 40)}`)
      t.match(response.body, /That is not a code. Enter the digits that your app shows, or a whole recovery code/)
    }
  }
  t.equal(counted.claims, 0)
})

t.test('I3 spaces and dashes in a code are fine, as people type them', async t => {
  const { app, clock, secret } = await build(t)
  const typed: Array<(code: string) => string> = [
    code => code, code => `${code.slice(0, 3)} ${code.slice(3)}`, code => ` ${code} `, code => [...code].join(' '),
    code => `${code.slice(0, 3)}-${code.slice(3)}`, code => `${code.slice(0, 3)}\u00a0${code.slice(3)}`, code => `${code}\n`, code => `\t${code}`
  ]
  for (const write of typed) {
    clock.advance(30)
    const code = write(codeAt(secret, clock))
    t.same((await (await signIn({ app, clock })).post('/2fa/verify', { code })).json(), { verified: true }, JSON.stringify(code))
  }
})

t.test('I3 a recovery code is read in any case, grouping and with look-alikes', async t => {
  const { app, clock, recoveryCodes } = await buildWithRecoveryCodes(t)
  const typed: Array<(code: string) => string> = [
    code => code.toLowerCase(), code => code.replaceAll('-', ''), code => ` ${code.replaceAll('-', ' ')} `,
    code => code.replaceAll('0', 'O').replaceAll('1', 'l').replaceAll('V', 'u'), code => code.replaceAll('-', '–')
  ]
  for (const [index, write] of typed.entries()) {
    const code = write(recoveryCodes[index] ?? '')
    t.match((await (await signIn({ app, clock })).post('/2fa/recover', { code })).json(), { verified: true }, code)
  }
})

t.test('I3 a recovery code with a soft hyphen is read over HTTP as by request.twoFactor', async t => {
  const { app, clock, recoveryCodes: [code = ''] } = await buildWithRecoveryCodes(t)
  const response = await (await signIn({ app, clock })).post('/2fa/recover', { code: code.replace('-', '\u00ad') })
  t.equal(response.statusCode, 200)
})

t.test('I3 a code keeps its leading zeros', async t => {
  const { app, clock, secret } = await build(t)
  do clock.advance(30)
  while (!codeAt(secret, clock).startsWith('0'))
  const code = codeAt(secret, clock)
  t.equal((await (await signIn({ app, clock })).post('/2fa/verify', { code: code.slice(1) })).statusCode, 400, 'without it')
  t.equal((await (await signIn({ app, clock })).post('/2fa/verify', { code: Number(code) })).statusCode, 400, 'as a number')
  t.equal((await (await signIn({ app, clock })).post('/2fa/verify', { code })).statusCode, 200, code)
})

t.test('codes of 7 and 8 digits are those of enrolments that have them, and 6 digits are always taken', async t => {
  for (const digits of [7, 8]) {
    const { app, clock, counted } = await buildWithDigits(t, digits)
    const client = await signIn({ app, clock })
    const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
    const now = () => codeAt(secret, clock, 0, 'SHA256', digits)
    t.equal((await client.post('/2fa/setup/confirm', { code: now() })).statusCode, 200)
    clock.advance(30)
    const password = await signIn({ app, clock })
    t.equal((await password.post('/2fa/verify', { code: '1'.repeat(digits === 7 ? 8 : 7) })).statusCode, 400)
    t.equal(counted.claims, 0)
    t.equal((await password.post('/2fa/verify', { code: '111111' })).statusCode, 401)
    t.equal((await password.post('/2fa/verify', { code: now() })).statusCode, 200)
  }
})

async function buildWithDigits (t: Test, digits: number) {
  const counted = { claims: 0 }
  const storage = intercept(kyselyStorage(await openDatabase()), method => { if (method === 'claimAttempt') counted.claims++ })
  return { counted, ...await buildHost(t, { recoveryCodes: 5, rateLimit: false, storage, digits, algorithm: 'SHA256' }) }
}

t.test('I3 malformed JSON, repeated keys, prototype keys and unknown fields are 400 and no attempt', async t => {
  const { client, counted, clock, secret } = await build(t)
  clock.advance(30)
  const code = codeAt(secret, clock)
  const bodies = [
    '{', '}', '[', '"', `"${code}"`, code, 'null', 'true', '[]', `["${code}"]`, `[{"code":"${code}"}]`, `{"code":"${code}"`, `{"code":"${code}",}`,
    `{"code":"${code}"}}`, `{"code":"${code}"}{"code":"${code}"}`, `{'code':'${code}'}`, `{code:"${code}"}`, `{"code":${code.replace(/^0+/, '')}}`, '{}', '{"Code":"' + code + '"}',
    `{"code":"${code}","code":"${code}"}`, `{"code":"000000","code":"${code}"}`, `{"code":"000000","c\\u006fde":"${code}"}`, `{"code" : "1", "code"\n:"${code}"}`,
    `{"__proto__":{"code":"${code}"}}`, `{"code":"${code}","__proto__":{"x":1}}`, `{"code":"${code}","\\u005f_proto__":null}`,
    `{"constructor":{"prototype":{"code":"${code}"}}}`, `{"code":"${code}","constructor":{"prototype":{}}}`, `{"code":"${code}","toString":1}`,
    `{"code":"${code}","admin":true}`, `{"code":"${code}","userId":"eve"}`, `{"code":"${code}","next":1}`, `{"code":"${code}","next":["/"]}`, `{"code":"${code}","next":"${'/'.repeat(2049)}"}`,
    '\u0000', '{"code":"' + '\u0001' + code + '"}', `${'['.repeat(3000)}${']'.repeat(3000)}`, 'NaN', 'undefined', ' ', `code=${code}`, `<code>${code}</code>`
  ]
  for (const payload of bodies) {
    const response = await client.request({ method: 'POST', url: '/2fa/verify', payload, headers: json })
    t.equal(response.statusCode, 400, payload.slice(0, 60))
    t.match(response.json(), { statusCode: 400, code: /^FST_/, error: 'Bad Request', message: String })
    t.notOk(response.body.includes(code), 'what was sent is not repeated')
  }
  t.equal((await client.request({ method: 'POST', url: '/2fa/verify' })).statusCode, 400, 'no body')
  t.equal((await client.request({ method: 'POST', url: '/2fa/verify', headers: json, payload: '' })).statusCode, 400, 'an empty one')
  t.equal(counted.claims, 0)
  t.equal((await client.post('/2fa/verify', { code })).statusCode, 200, 'and the code is still good')
})

t.test('I3 a string that holds what looks like a key is no repeated key', async t => {
  const { client, clock, secret } = await build(t)
  clock.advance(30)
  const code = codeAt(secret, clock)
  t.equal((await client.post('/2fa/verify', { code, next: '/x?"code":"1","code":\\' })).statusCode, 200)
})

t.test('I3 forms with repeated fields, arrays, prototype keys or unknown fields are 400 and no attempt', async t => {
  const { client, counted, clock, secret } = await build(t)
  clock.advance(30)
  const code = codeAt(secret, clock)
  const bodies = [
    '', '&', '=', 'code', 'code=', `code=${code}&code=${code}`, `code=000000&code=${code}`, `code[]=${code}`, `code[0]=${code}`, `code.x=${code}`,
    `code=${code}&__proto__=1`, `__proto__=${code}`, `code=${code}&constructor=1`, `code=${code}&admin=1`, `code=${code}&next=/a&next=/b`, `Code=${code}`,
    '%', 'code=%', 'code=%zz', 'code=%ff%fe', `code=%EF%BC%91${code.slice(1)}`, `code=${code}%00`, `{"code":"${code}"}`, `code=${code};next=/`
  ]
  for (const payload of bodies) {
    const response = await client.request({ method: 'POST', url: '/2fa/verify', payload, headers: form })
    t.equal(response.statusCode, 400, payload)
  }
  t.equal(counted.claims, 0)
  t.equal((await client.request({ method: 'POST', url: '/2fa/verify', headers: form, payload: `code=${code.slice(0, 3)}+${code.slice(3)}` })).statusCode, 200)
})

t.test('I3 other content types are 415 and no attempt, also on routes that take no body', async t => {
  const { client, counted, clock, secret } = await build(t)
  clock.advance(30)
  const code = codeAt(secret, clock)
  const types = [
    'text/plain', 'text/plain;charset=utf-8', 'text/json', 'application/json-patch+json', 'application/xml', 'application/octet-stream', 'application/jsonp',
    'multipart/form-data; boundary=x', 'application/csp-report', 'json', 'x', '*/*', 'text/html', 'application/vnd.api+json', 'image/png'
  ]
  for (const type of types) {
    for (const payload of [`{"code":"${code}"}`, `code=${code}`, `--x\r\nContent-Disposition: form-data; name="code"\r\n\r\n${code}\r\n--x--\r\n`, '']) {
      const response = await client.request({ method: 'POST', url: '/2fa/verify', payload, headers: { 'content-type': type } })
      t.match(response.statusCode, payload === '' ? /^4/ : /^415$/, `${type} ${payload.slice(0, 10)}`)
    }
    for (const url of ['/2fa/setup', '/2fa/recovery-codes']) {
      t.equal((await client.request({ method: 'POST', url, payload: '=', headers: { 'content-type': type } })).statusCode, 415, `${type} ${url}`)
    }
  }
  t.equal(counted.claims, 0)
})

t.test('I4 bodies of more than 8 KiB are 413, whatever their shape and however they are sent', async t => {
  const { client, counted } = await build(t)
  for (const size of [8193, 100_000, 5_000_000]) {
    const bodies: InjectOptions[] = [
      { headers: json, payload: `{"code":"${'1'.repeat(size)}"}` },
      { headers: json, payload: ' '.repeat(size) },
      { headers: form, payload: `code=${'1'.repeat(size)}` },
      { headers: form, payload: 'code=1&'.repeat(Math.ceil(size / 7)) },
      { headers: json, payload: Readable.from(Array.from({ length: 10 }, () => '1'.repeat(Math.ceil(size / 10)))) }
    ]
    for (const body of bodies) {
      const { statusCode } = await client.request({ method: 'POST', url: '/2fa/verify', ...body })
      t.equal(statusCode, 413, `${size}, ${JSON.stringify(body.headers)}`)
    }
  }
  t.equal(counted.claims, 0)
})

t.test('I4 thousands of random bodies are 4xx, never 5xx, and no attempt', async t => {
  const { client, counted, app } = await build(t)
  await client.post('/2fa/setup')
  const wild = fc.oneof(
    fc.json().map(payload => ({ payload, headers: json })),
    fc.string({ unit: 'binary' }).map(payload => ({ payload, headers: json })),
    fc.uint8Array({ maxLength: 64 }).map(bytes => ({ payload: Buffer.from(bytes), headers: json })),
    fc.record({ code: fc.anything(), next: fc.anything(), name: fc.anything(), setupToken: fc.anything() },
      { requiredKeys: [] }).map(body => ({ payload: stringify(body), headers: json })),
    fc.tuple(fc.constantFrom(...noCodes), fc.dictionary(fc.string(), fc.jsonValue()))
      .map(([code, rest]) => ({ payload: stringify({ ...rest, code }), headers: json })),
    fc.webQueryParameters().map(payload => ({ payload, headers: form })),
    fc.dictionary(fc.string(), fc.string())
      .map(fields => ({ payload: new URLSearchParams(fields).toString(), headers: form })),
    fc.tuple(fc.string(), fc.string()).map(([payload, type]) => ({ payload, headers: { 'content-type': type.replace(/[^\x20-\x7e]/g, '') } }))
  )
  let count = 0
  await fc.assert(fc.asyncProperty(wild, fc.constantFrom(...takingCodes), async ({ payload, headers }, url) => {
    const { statusCode } = await app.inject({ method: 'POST', url, payload, headers, cookies: client.cookies })
    count++
    return statusCode >= 400 && statusCode < 500
  }), { numRuns: 4000 })
  t.equal(count, 4000)
  t.equal(counted.claims, 0)
  t.match((await client.get('/2fa')).json(), { enabled: true, verified: true }, 'and all is as before')
})

function stringify (value: unknown): string {
  try {
    return JSON.stringify(value, (_key, inner: unknown) => typeof inner === 'bigint' ? Number(inner) : inner) ?? 'undefined'
  } catch {
    return '{'
  }
}

t.test('I3 odd queries of the pages are answered, never with a server error', async t => {
  const { client } = await build(t)
  for (const query of ['next', 'next=', 'next=a&next=b', 'next[]=x', 'resend=1&resend=1', 'resend=xx', '__proto__=1', '%', 'next=%ff', `next=/${'a'.repeat(5000)}`]) {
    for (const url of ['/2fa/verify', '/2fa/recover', '/2fa/setup', '/2fa']) {
      for (const accept of ['text/html', 'application/json']) {
        const { statusCode } = await client.get(`${url}?${query}`, { accept })
        t.match(statusCode, /^(200|303|400)$/, `${url}?${query.slice(0, 20)}`)
      }
    }
  }
})

t.test('other methods are 404, and change nothing', async t => {
  const { app, client, counted } = await build(t)
  app.supportedMethods.forEach(method => t.type(method, 'string'))
  for (const url of ['/2fa', ...unsafe, '/2fa/nothing']) {
    for (const method of ['PUT', 'PATCH', 'DELETE', 'OPTIONS', ...url === '/2fa' ? ['POST' as const] : []] as const) {
      t.equal((await client.request({ method, url, payload: { code: '123456' } })).statusCode, 404, `${method} ${url}`)
    }
  }
  for (const url of ['/2fa/setup/confirm', '/2fa/recovery-codes', '/2fa/disable']) t.equal((await client.get(url)).statusCode, 404)
  t.equal(counted.claims, 0)
})

const sites = [undefined, 'same-origin', 'none', 'same-site', 'cross-site', 'same-origin, cross-site', 'Same-Origin', '', 'x']
const origins = [
  undefined, 'https://app.example.com', 'https://APP.example.com', 'null', '', 'x', 'https://evil.example', 'https://sub.app.example.com', 'https://example.com',
  'https://app.example.com.evil.example', 'https://app.example.com:8443', 'https://evil.example/https://app.example.com', 'https://app.example.com@evil.example', 'app.example.com',
  'file://', 'chrome-extension://app.example.com.evil'
]

t.test('W5 an unsafe request is taken from this site alone, by Sec-Fetch-Site, else Origin, else if it is no form', async t => {
  const { client, clock } = await build(t)
  const password = await signIn({ app: client.app, clock })
  for (const site of sites) {
    for (const origin of origins) {
      for (const type of [json, { 'content-type': form['content-type'] }]) {
        const payload = type === json ? '{"code":"000000000"}' : 'code=000000000'
        const { statusCode, body } = await password.request({
          method: 'POST',
          url: '/2fa/verify',
          payload,
          headers: {
            ...type, accept: 'application/json', host: 'app.example.com', ...(site !== undefined && { 'sec-fetch-site': site }), ...(origin !== undefined && { origin })
          }
        })
        const own = origin === 'https://app.example.com' || origin === 'https://APP.example.com'
        const allowed = site !== undefined ? site === 'same-origin' || site === 'none' : origin !== undefined ? own : type === json
        t.equal(statusCode, allowed ? 400 : 403, `Sec-Fetch-Site ${site}, Origin ${origin}, ${type['content-type']}`)
        t.match(body, allowed ? /FST_ERR_VALIDATION/ : /FST_2FA_CROSS_ORIGIN/)
      }
    }
  }
})

t.test('W5 an origin with a port, in another case or of an IPv6 address is this site if the host is', async t => {
  const { client } = await build(t)
  for (const [host, origin, status] of [
    ['app.example.com:8443', 'https://app.example.com:8443', 400], ['APP.EXAMPLE.COM', 'https://app.example.com', 400], ['[::1]:3000', 'http://[::1]:3000', 400],
    ['localhost:3000', 'http://localhost:3000', 400], ['localhost:3000', 'http://localhost:3001', 403], ['localhost:3000', 'http://127.0.0.1:3000', 403],
    ['app.example.com', 'https://app.example.com:8443', 403], ['', 'https://app.example.com', 403]
  ] as const) {
    const { statusCode } = await client.request({ method: 'POST', url: '/2fa/verify', payload: { code: '' }, headers: { host, origin } })
    t.equal(statusCode, status, `${host} ${origin}`)
  }
})

t.test('W5 every unsafe route refuses other sites, and does nothing', async t => {
  const { client, app, clock, recoveryCodes } = await buildWithRecoveryCodes(t)
  for (const url of unsafe) {
    for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { 'sec-fetch-site': 'same-site' }, { origin: 'https://evil.example' }, { origin: 'null' }]) {
      const { cookies } = client
      const response = await client.request({ method: 'POST', url, payload: { code: recoveryCodes[0] }, headers })
      t.match(response.json(), { statusCode: 403, code: 'FST_2FA_CROSS_ORIGIN' }, `${url} ${JSON.stringify(headers)}`)
      t.same(client.cookies, cookies)
    }
    const old = await client.request({ method: 'POST', url, payload: '', headers: { 'content-type': form['content-type'] } })
    t.equal(old.statusCode, 403, `${url}: a form without either header`)
  }
  t.match(await app.twoFactor.status('ada'), { enabled: true, recoveryCodesLeft: 5, failedAttempts: 0 })
  const other = await signIn({ app, clock })
  t.equal((await other.post('/2fa/recover', { code: recoveryCodes[0] ?? '' })).statusCode, 200)
})

t.test('W5 an old browser\'s forms of every kind are refused', async t => {
  const { client, app } = await buildWithRecoveryCodes(t)
  for (const type of ['application/x-www-form-urlencoded', 'APPLICATION/X-WWW-FORM-URLENCODED', 'application/x-www-form-urlencoded;charset=utf-8', 'text/plain', 'multipart/form-data; boundary=x']) {
    for (const url of ['/2fa/recovery-codes', '/2fa/setup']) {
      for (const payload of ['', 'a=b']) {
        const headers = { 'content-type': type, 'content-length': String(payload.length) }
        const { statusCode } = await client.request({ method: 'POST', url, payload, headers })
        t.match(statusCode, /^(403|415)$/, `${type} ${url} "${payload}"`)
      }
    }
  }
  t.match(await app.twoFactor.status('ada'), { recoveryCodesLeft: 5 })
})

t.test('W5 links from other sites lead to the pages', async t => {
  const { client } = await build(t)
  for (const url of ['/2fa', '/2fa/setup', '/2fa/verify', '/2fa/recover']) {
    t.equal((await client.get(url, { accept: 'text/html', 'sec-fetch-site': 'cross-site' })).statusCode, 200, url)
  }
})

t.test('I3 a wrong code of the right shape is 401 and one attempt', async t => {
  const { client, counted, secret, clock } = await build(t)
  const password = await signIn({ app: client.app, clock })
  t.equal((await password.post('/2fa/verify', { code: wrongCode(secret, clock) })).statusCode, 401)
  t.equal(counted.claims, 1)
  t.equal((await new Client(client.app).post('/2fa/verify', { code: wrongCode(secret, clock) })).statusCode, 401)
  t.equal(counted.claims, 1, 'nobody has none')
})
