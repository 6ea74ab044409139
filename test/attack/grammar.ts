import fc, { type Arbitrary } from 'fast-check'

/** A route that is attacked, such as `{ method: 'POST', url: '/2fa/methods/:method' }`. */
export interface Target {
  readonly method: string
  readonly url: string
}

/** A request, wherever it is sent by. */
export interface Attack {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Buffer | undefined
  /** Whose credentials it has: an index, to be taken modulo. */
  readonly persona: number
}

const mostly = <Value>(usual: Arbitrary<Value>, odd: Arbitrary<Value>): Arbitrary<Value> =>
  fc.oneof({ weight: 3, arbitrary: usual }, { weight: 1, arbitrary: odd })

const nasty = fc.constantFrom(
  '', ' ', '\0', '%00', '..', '../..', '%2e%2e%2f', '%2f', '%5c', '//', '\\', '%', '%zz', '%ff', '%c0%af', '%u0041', 'ａ', '١٢٣٤٥٦', '𝟏𝟐𝟑𝟒𝟓𝟔',
  '\ud800', '\u202e', '\ufeff', '{{7*7}}', '<%= 7*7 %>', "' OR 1=1 --", '<script>', '"><img src=x>', '\r\nSet-Cookie: a=b', 'null', 'undefined', 'NaN',
  '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '-1', '1e309', '9'.repeat(40), 'a'.repeat(300), 'javascript:alert(1)',
  '//evil.example', '/\\evil.example', 'data:,x', '123456', '000000', '12345678', 'AAAA-AAAA-AAAA-AAAA'
)
const text = fc.oneof(nasty, fc.string({ maxLength: 40 }), fc.string({ unit: 'binary', maxLength: 40 }))

// What the routes know, so that the odd values reach them.
const field = mostly(
  fc.constantFrom('code', 'next', 'name', 'setupToken', 'trustDevice', 'resend', 'proof', 'appname', 'appinfo', 'secretcode', 'pin', 'limit', 'before'),
  text
)
const scalar = fc.oneof(
  text, fc.double(), fc.integer(), fc.boolean(), fc.constant(null),
  fc.constantFrom<unknown>(123456, '123456', 1e5, -0, Number.MAX_VALUE, true, [], {}, ['123456'], { toString: 1 }, { length: 6 })
)
const jsonValue = fc.oneof({ weight: 4, arbitrary: scalar }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 4 }) })
const object = fc.array(fc.tuple(field, jsonValue), { maxLength: 6 })

/** By hand: `JSON.stringify` could write neither a key twice nor `__proto__`. */
const jsonObject = object.map(pairs => {
  const members = pairs.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value) ?? 'null'}`)
  return `{${members.join(',')}}`
})

const long = fc.tuple(
  fc.nat(12_000), fc.constantFrom('[', '{"a":', '"\\', ' ', '"":1,', '\\"', '{"code":"1","')
).map(([length, part]) => part.repeat(Math.ceil(length / part.length)))

const json = fc.oneof(
  { weight: 6, arbitrary: jsonObject },
  { weight: 2, arbitrary: fc.tuple(jsonObject, fc.nat()).map(([whole, at]) => cutAt(whole, at)) },
  { weight: 1, arbitrary: fc.json({ maxDepth: 6 }) },
  { weight: 1, arbitrary: long }
)

function cutAt (whole: string, at: number): string {
  return whole.slice(0, at % (whole.length + 1))
}

const fields = fc.array(fc.tuple(field, text), { maxLength: 6 })
const form = fc.oneof(
  fields.map(pairs => pairs.map(([key, value]) => `${encode(key)}=${encode(value)}`).join('&')),
  fields.map(pairs => pairs.map(pair => pair.join('=')).join('&')),
  fc.nat(12_000).map(length => 'code=1&'.repeat(length / 7))
)

const body: Arbitrary<string | Buffer | undefined> = fc.oneof(
  { weight: 6, arbitrary: json },
  { weight: 3, arbitrary: form },
  { weight: 1, arbitrary: text },
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)) },
  { weight: 1, arbitrary: fc.constant(undefined) }
)

// What an HTTP client cannot send is for raw sockets; these bytes it can.
const value = text.map(given => given.replace(/[^\t\x20-\x7e\x80-\xff]/g, ''))

const headers = fc.record({
  'content-type': mostly(
    fc.constantFrom('application/json', 'application/json; charset=utf-8', 'application/x-www-form-urlencoded'),
    fc.oneof(value, fc.constantFrom('text/plain', 'multipart/form-data; boundary=x', 'application/json;charset=utf-7', 'APPLICATION/JSON', 'application/json, text/html'))
  ),
  accept: mostly(fc.constantFrom('application/json', 'text/html', '*/*'), fc.oneof(value, fc.constant('text/html;q='.repeat(300)))),
  'accept-language': fc.oneof(value, fc.constantFrom('de', 'ar', 'en-US,en;q=0.5', 'x'.repeat(500), '*;q=9,'.repeat(200))),
  'sec-fetch-site': mostly(fc.constantFrom('same-origin', 'none'), value),
  origin: fc.oneof(value, fc.constantFrom('null', 'http://localhost:80', 'https://evil.example', 'http://[::1', 'http://')),
  host: fc.oneof(value, fc.constantFrom('localhost', 'localhost:99999', '[::1]', 'a:b:c')),
  cookie: fc.oneof(value, fc.constantFrom('sessionId=', 'sessionId=a.b; sessionId=c.d', '__proto__=x', '='.repeat(200), 'twoFactorDevice=x', ';;;;=;')),
  authorization: fc.oneof(value, fc.constantFrom('Bearer', 'Bearer  ', 'Bearer a b', `Bearer ${' '.repeat(2000)}`, 'Basic Og==')),
  'two-factor-proof': fc.oneof(value, fc.base64String({ maxLength: 300 })),
  'x-forwarded-for': fc.oneof(value, fc.constant('127.0.0.1, '.repeat(100))),
  'user-agent': fc.oneof(value, fc.constant('Mozilla/5.0 ('.repeat(100))),
  'content-length': fc.constantFrom('0', '1', '-1', '99999999', 'x'),
  'transfer-encoding': fc.constantFrom('chunked', 'gzip', 'identity'),
  expect: fc.constantFrom('100-continue', 'x'),
  'x-http-method-override': fc.constantFrom('POST', 'DELETE'),
  upgrade: fc.constantFrom('websocket', 'h2c')
}, { requiredKeys: [] })

// Each request has a few of them; most have the two that let it reach a handler.
const fewHeaders = fc.tuple(headers, fc.uniqueArray(fc.nat(15), { maxLength: 4 }), fc.constantFrom('application/json', 'application/x-www-form-urlencoded'))
  .map(([all, picked, type]): Record<string, string> => Object.fromEntries([
    ['content-type', type], ['sec-fetch-site', 'same-origin'],
    ...Object.entries(all).filter((_, index) => picked.includes(index))
  ]))

const method = (usual: string): Arbitrary<string> => fc.oneof(
  { weight: 8, arbitrary: fc.constant(usual) },
  { weight: 1, arbitrary: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'SEARCH') }
)

type Change = (path: string, odd: string, at: number) => string

const changes: readonly Change[] = [
  path => path.toUpperCase(),
  path => `${path}/`,
  path => path.replaceAll('/', '//'),
  (path, odd) => path + encode(odd),
  (path, odd) => `${path}/${odd}`,
  (path, odd, at) => path.slice(0, at % path.length) + odd + path.slice(at % path.length),
  (path, _odd, at) => path.replace(/[a-z]/g, (letter, index: number) => index % 3 === at % 3 ? `%${letter.charCodeAt(0).toString(16)}` : letter),
  (path, _odd, at) => path.slice(0, at % path.length),
  path => path + '/a'.repeat(2000)
]

const query = fc.oneof(
  { weight: 2, arbitrary: fc.constant('') },
  { weight: 1, arbitrary: form.map(given => `?${given.slice(0, 3000)}`) },
  { weight: 1, arbitrary: text.map(given => `?next=${given}`) }
)

function pathOf (url: string): Arbitrary<string> {
  return fc.tuple(mostly(fc.constant<Change>(path => path), fc.constantFrom(...changes)), text, fc.nat(50), mostly(fc.constantFrom('ada', 'word', '1'), text), query)
    .map(([change, odd, at, parameter, search]) =>
      change(url.replace(/:\w+|\*/g, () => encode(parameter)), odd, at) + search)
    .map(path => `/${path.replace(/^\/+/, '')}`)
}

/** Half a surrogate pair has no encoding: it goes as the replacement character. */
function encode (given: string): string {
  return encodeURIComponent(Buffer.from(given).toString())
}

/** Requests that are malformed, each in a way or several, around these routes. */
export function attacks (targets: readonly Target[]): Arbitrary<Attack> {
  return fc.constantFrom(...targets).chain(target => fc.record({
    method: method(target.method), path: pathOf(target.url), headers: fewHeaders, body, persona: fc.nat(20)
  }))
}

/** The same as bytes, some of them cut off, and some of them no HTTP at all. */
export function rawAttacks (targets: readonly Target[]): Arbitrary<Buffer> {
  const version = fc.constantFrom('1.1', '1.1', '1.1', '1.0', '2.0', '0.9', 'x')
  const written = fc.tuple(attacks(targets), version, fc.option(fc.nat(20_000)), fc.option(fc.nat()))
    .map(([attack, version, length, cut]) => {
      const bytes = write(attack, version, length)
      return cut === null ? bytes : bytes.subarray(0, cut % (bytes.length + 1))
    })
  const noise = fc.uint8Array({ maxLength: 300 }).map(bytes => Buffer.from(bytes))
  return fc.oneof({ weight: 9, arbitrary: written }, { weight: 1, arbitrary: noise })
}

/** @param length - What it says of its body, if that is not the truth. */
function write ({ method, path, headers, body = '' }: Attack, version: string, length: number | null): Buffer {
  const sent = Buffer.from(body)
  const lines = Object.entries({ host: 'localhost', 'content-length': String(length ?? sent.length), ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
  return Buffer.concat([Buffer.from(`${method} ${path} HTTP/${version}\r\n${lines.join('')}\r\n`), sent])
}
