import fc from 'fast-check'
import { request as httpRequest } from 'node:http'
import { Secret, URI, TOTP } from 'otpauth'
import t from 'tap'
import { buildServer, get, vector } from './server.js'

const { secretCode: SecretCode, base32 } = vector
const acme = { AppName: 'Acme', AppInfo: 'ada', SecretCode }

/** Cuts the answer into what its clients cut it into. Nothing of it is left over. */
function parse (html: string) {
  const shape = /^<a title='Manually pair with ([A-Z2-7]+)' href='([^'<>"\s]+)'><img src='([^'<>"\s]+)' border=0><\/a>$/
  const [, key = '', href = '', source = ''] = shape.exec(html) ?? []
  return { key, href, source: new URL(source) }
}

t.test('the answer is the public service\'s, byte for byte, with this server in its place', async t => {
  const app = await buildServer(t, { publicUrl: 'https://2fa.example.com/api/' })
  const response = await get(app, '/pair.aspx', acme)
  const uri = `otpauth://totp/Acme:ada?secret=${base32}&issuer=Acme&algorithm=SHA1&digits=6&period=30`
  t.equal(response.statusCode, 200)
  t.equal(response.body, `<a title='Manually pair with ${base32}' href='https://2fa.example.com/api'>` +
    `<img src='https://2fa.example.com/api/qr.aspx?size=300x300&data=${encodeURIComponent(uri)}' border=0></a>`)
  t.match(response.headers, {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer'
  })
})

t.test('paths and parameters are taken in any case, on routers of any kind, with and without a prefix', async t => {
  const routers = [{}, { caseSensitive: false }, { ignoreTrailingSlash: true }, { useSemicolonDelimiter: true }]
  for (const server of routers.map(routerOptions => ({ routerOptions }))) {
    for (const prefix of ['', '/authenticator', '/API/v1']) {
      const app = await buildServer(t, { prefix, server })
      for (const path of ['/pair.aspx', '/Pair.aspx', '/PAIR.ASPX', '/pAiR.aSpX', '/p%61ir.aspx']) {
        for (const change of [String, (name: string) => name.toLowerCase(), (name: string) => name.toUpperCase()]) {
          const query = Object.fromEntries(Object.entries(acme).map(([name, value]) => [change(name), value]))
          const { key, href, source } = parse((await get(app, prefix + path, query)).body)
          t.equal(key, base32, `${prefix}${path}`)
          t.equal(href, `http://localhost:80${prefix}`)
          t.equal(source.pathname, `${prefix}/qr.aspx`)
        }
      }
    }
  }
})

t.test('what is missing or empty is named in an answer of 200, the first one alone', async t => {
  const app = await buildServer(t)
  for (const [query, missing] of [
    ['', 'AppName'], ['AppName=Acme', 'AppInfo'], ['AppName=Acme&AppInfo=ada', 'SecretCode'],
    ['AppInfo=ada', 'AppName'], ['AppName=&AppInfo=ada&SecretCode=x', 'AppName'], ['AppName=Acme&AppInfo=&SecretCode=x', 'AppInfo'],
    ['AppName=Acme&AppInfo=ada&SecretCode=', 'SecretCode'], ['AppName=Acme&AppInfo=ada&Secret=x', 'SecretCode']
  ] as const) {
    const response = await app.inject(`/pair.aspx?${query}`)
    t.equal(response.statusCode, 200)
    t.equal(response.body, `Pass '${missing}' in QueryString`, query)
    t.equal(response.headers['content-type'], 'text/html; charset=utf-8')
  }
})

t.test('I3 what is malformed is 400, with a message that repeats nothing of it', async t => {
  const app = await buildServer(t)
  for (const [query, message] of [
    [{ SecretCode: 'пароль-пароль' }, 'SecretCode must consist of printable ASCII characters'],
    [{ SecretCode: '１２３４５６７８' }, 'SecretCode must consist of printable ASCII characters'],
    [{ SecretCode: 'abc\n' }, 'SecretCode must consist of printable ASCII characters'],
    [{ SecretCode: 'abc\u0000' }, 'SecretCode must consist of printable ASCII characters'],
    [{ SecretCode: 'abc\u007f' }, 'SecretCode must consist of printable ASCII characters'],
    [{ SecretCode: 'x'.repeat(129) }, 'SecretCode must have 1 to 128 characters'],
    [{ AppName: 'x'.repeat(65) }, 'AppName must have 1 to 64 characters'],
    [{ AppInfo: 'x'.repeat(129) }, 'AppInfo must have 1 to 128 characters'],
    [{ AppName: 'Acme: Admin' }, 'AppName must not contain a colon']
  ] as const) {
    const response = await get(app, '/pair.aspx', { ...acme, ...query })
    t.equal(response.statusCode, 400)
    t.equal(response.body, message)
    t.match(response.headers, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
  }
  const twice = await app.inject('/pair.aspx?AppName=Acme&AppInfo=ada&SecretCode=a&secretcode=b')
  t.equal(twice.statusCode, 400)
  t.equal(twice.body, 'SecretCode must be given once, as a string')
  const invalid = await app.inject('/pair.aspx?AppName=Acme&AppInfo=ada&SecretCode=%ff%fe')
  t.equal(invalid.statusCode, 400, 'bytes that are no UTF-8')
})

t.test('the longest parameters, in characters of any width, make a QR code', async t => {
  const app = await buildServer(t)
  for (const character of ['x', 'é', '漢', '\u{1f510}', '"']) {
    const fill = (length: number) => character.repeat(length / character.length)
    const response = await get(app, '/pair.aspx', { AppName: fill(64), AppInfo: fill(128), SecretCode: 'x'.repeat(128) })
    const { source } = parse(response.body)
    t.equal((await app.inject(source.pathname + source.search)).statusCode, 200, character)
  }
})

t.test('I5 no name breaks out of the HTML, and the URI has what was sent', async t => {
  const app = await buildServer(t, { rateLimit: false })
  const text = (max: number) => fc.string({ unit: 'grapheme', minLength: 1, maxLength: max })
    .filter(value => value.length <= max)
  const hostile = fc.constantFrom("'><script>alert(1)</script>", "' onerror='x", '&secret=AAAA', '?issuer=Eve', '%27%3e', '"', '\\', '#', '%')
  await fc.assert(fc.asyncProperty(
    fc.oneof(hostile, text(64)).filter(value => !value.includes(':')),
    fc.oneof(hostile, text(128), fc.constant('https://eve.example/?a=b')),
    fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 128 }),
    async (AppName, AppInfo, SecretCode) => {
      const { body } = await get(app, '/pair.aspx', { AppName, AppInfo, SecretCode })
      const { key, source } = parse(body)
      const uri = source.searchParams.get('data') ?? ''
      t.same([...source.searchParams.keys()], ['size', 'data'])
      const fields = new URL(uri)
      t.same([...fields.searchParams.keys()], ['secret', 'issuer', 'algorithm', 'digits', 'period'])
      t.equal(fields.searchParams.get('issuer'), AppName)
      t.equal(decodeURIComponent(fields.pathname.split('/').at(-1) ?? ''), `${AppName}:${AppInfo}`)
      t.equal(fields.searchParams.get('secret'), key)
      t.equal(Buffer.from(Secret.fromBase32(key).bytes).toString('latin1'), SecretCode)
    }
  ), { numRuns: 300 })
})

t.test('an app of another library reads the URI', async t => {
  const app = await buildServer(t)
  const { source } = parse((await get(app, '/pair.aspx', { ...acme, AppInfo: 'ada@example.com' })).body)
  const totp = URI.parse(source.searchParams.get('data') ?? '')
  t.ok(totp instanceof TOTP)
  t.match(totp, { issuer: 'Acme', label: 'ada@example.com', algorithm: 'SHA1', digits: 6, period: 30 })
  t.equal((totp as TOTP).generate({ timestamp: vector.now }), vector.pin)
})

t.test('a Host header that could break the HTML is refused', async t => {
  const app = await buildServer(t)
  for (const host of ["a'onerror='x", 'a b', '<b>', 'a/b', 'ä', 'a"b', 'a@b', '', 'a?b']) {
    const response = await app.inject({ url: `/pair.aspx?${new URLSearchParams(acme).toString()}`, headers: { host } })
    if (host === '') t.equal(parse(response.body).key, base32, 'inject fills in its own')
    else t.equal(response.statusCode, 400, host)
  }
  for (const host of ['[::1]:8787', '2fa.example.com', 'LOCALHOST:1']) {
    const response = await app.inject({ url: `/pair.aspx?${new URLSearchParams(acme).toString()}`, headers: { host } })
    t.equal(parse(response.body).href, `http://${host}`)
  }
})

t.test('behind a proxy that is trusted, the image is where the client sees the server', async t => {
  const app = await buildServer(t, { server: { trustProxy: '127.0.0.1' } })
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': '2fa.example.com' }
  const response = await app.inject({ url: `/pair.aspx?${new URLSearchParams(acme).toString()}`, headers })
  t.equal(parse(response.body).href, 'https://2fa.example.com')
  const odd = await app.inject({
    url: `/pair.aspx?${new URLSearchParams(acme).toString()}`, headers: { ...headers, 'x-forwarded-proto': "x'y" }
  })
  t.equal(parse(odd.body).href, 'http://2fa.example.com')
})

t.test('HEAD answers as GET does, without the body', async t => {
  const app = await buildServer(t)
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const url = `${origin}/pair.aspx?${new URLSearchParams(acme).toString()}`
  const [got, head] = [await fetch(url), await fetch(url, { method: 'HEAD' })]
  t.equal(head.status, 200)
  t.equal(head.headers.get('content-length'), String((await got.text()).length))
  t.equal(await head.text(), '')
})

t.test('other methods are 405 and say which are right, whatever they carry', async t => {
  const app = await buildServer(t)
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  for (const path of ['/pair.aspx', '/Validate.aspx', '/qr.aspx']) {
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE']) {
      const [status, allow] = await new Promise<unknown[]>((resolve, reject) => {
        httpRequest(`${origin}${path}?${new URLSearchParams(acme).toString()}`, { method }, response => {
          response.resume()
          resolve([response.statusCode, response.headers.allow])
        }).on('error', reject).end(method === 'POST' ? '{' : undefined)
      })
      t.same([status, allow], [405, 'GET, HEAD'], `${method} ${path}`)
    }
  }
})

t.test('without a prefix, what is not the plugin\'s is the host\'s', async t => {
  const app = await buildServer(t, {
    before (app) {
      app.get('/*', async () => 'any')
      app.get('/', async () => 'home')
      app.get('/:id(^\\d+$)', async () => 'id')
      app.get('/:file.txt', async () => 'file')
      app.setNotFoundHandler(async (_request, reply) => reply.code(404).send('nothing'))
    }
  })
  for (const [path, body] of [
    ['/', 'home'], ['/12', 'id'], ['/a.txt', 'file'], ['/pair.asp', 'any'], ['/pairs.aspx', 'any'], ['/pair.aspx/', 'any'],
    ['/api.asmx', 'any'], ['/api.asmx/Other', 'any'], ['/x/pair.aspx', 'any']
  ] as const) {
    t.equal((await app.inject(path)).body, body, path)
  }
  t.equal((await app.inject({ method: 'POST', url: '/x' })).body, 'nothing')
  t.equal(parse((await get(app, '/pair.aspx', acme)).body).key, base32)
})

t.test('with a prefix, every path below it is the plugin\'s, but for routes that the host has there', async t => {
  const app = await buildServer(t, { prefix: '/2fa-api', before: app => { app.get('/2fa-api/health', async () => 'up') } })
  t.equal((await app.inject('/2fa-api/health')).body, 'up')
  for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS'] as const) {
    for (const path of ['', '/', '/pair.asp', '/api.asmx', '/api.asmx/Nope', '/a/b/c']) {
      const response = await app.inject({ method, url: `/2fa-api${path}`, ...(method === 'POST' && { payload: 'a' }) })
      t.equal(response.statusCode, 404, `${method} ${path}`)
      t.match(response.headers, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' })
    }
  }
  t.match((await app.inject('/other')).json(), { statusCode: 404, error: 'Not Found' })
})

t.test('a host that guards all its routes does not guard these', async t => {
  const guarded: unknown[] = []
  await buildServer(t, {
    prefix: '/api', before: app => { app.addHook('onRoute', ({ url, config }) => { if (config?.twoFactor !== false) guarded.push(url) }) }
  })
  t.same(guarded, [])
})
