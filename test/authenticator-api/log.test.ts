import { connect, type AddressInfo } from 'node:net'
import { Writable } from 'node:stream'
import t from 'tap'
import { buildServer, pinAt, vector } from './server.js'

const secretCode = "KREMLIN'S secret+code"
const base32 = 'JNJEKTKMJFHCOUZAONSWG4TFOQVWG33EMU'
const pin = '918273'

/** The log as it is written, at the level that keeps nothing back. */
function createLog () {
  let text = ''
  const stream = new Writable({
    write (chunk: Buffer, _encoding, done) {
      text += chunk.toString()
      done()
    }
  })
  const lines = () => text.trim().split('\n').filter(Boolean).map(line => JSON.parse(line) as Record<string, unknown>)
  return { text: () => text, lines, server: { logger: { level: 'trace', stream } } }
}

/** Every way in which the secret or the pin could stand in a log. */
const forms = [
  secretCode, encodeURIComponent(secretCode), new URLSearchParams({ a: secretCode }).toString().slice(2), 'KREMLIN', 'secret+code', 'secret%2Bcode',
  base32, Buffer.from(secretCode).toString('base64'), Buffer.from(secretCode).toString('hex'), pin, 'otpauth', 'SecretCode', 'secretcode',
  ...[pin, 'KREMLIN'].map(text => [...Buffer.from(text)].join(','))
]

t.test('the key in Base32 is what the test looks for', async t => {
  const app = await buildServer(t)
  const query = new URLSearchParams({ AppName: 'a', AppInfo: 'b', SecretCode: secretCode }).toString()
  t.match((await app.inject(`/pair.aspx?${query}`)).body, `with ${base32}'`)
})

t.test('A4 W7 no request puts a secret or a pin into the log, right or wrong, whatever it is answered', async t => {
  for (const prefix of ['', '/authenticator']) {
    const log = createLog()
    const app = await buildServer(t, { prefix, server: log.server, codeLimit: { max: 3 }, rateLimit: { max: 60 } })
    const pair = new URLSearchParams({ AppName: 'a', AppInfo: 'b', SecretCode: secretCode }).toString()
    const validate = new URLSearchParams({ Pin: pin, SecretCode: secretCode }).toString()
    const data = new URLSearchParams({ data: `otpauth://totp/a?secret=${base32}` }).toString()
    const paths = [
      `/pair.aspx?${pair}`, `/PAIR.ASPX?${pair}`, `/Validate.aspx?${validate}`, `/qr.aspx?${data}`, `/api.asmx/Pair?${pair}`, `/api.asmx/ValidatePin?${validate}`,
      // Errors of every kind.
      `/pair.aspx?SecretCode=${secretCode}`, `/pair.aspx?${pair}&${pair}`, `/Validate.aspx?${validate}%D0%BF`, `/Validate.aspx?${validate.repeat(20)}`,
      `/qr.aspx?size=x&${data}`, `/qr.aspx?data=${pin}`, `/api.asmx/ValidatePin?pin=${pin}`, `/p%61ir.aspx?${pair}`, `/pair.aspx?%zz&${pair}`, `/pair.aspx#${pair}`,
      ...Array.from({ length: 5 }, () => `/Validate.aspx?${validate}`)
    ]
    if (prefix !== '') {
      paths.push(`/pair.asp?${pair}`, `?${pair}`, `/?${pair}`, `/pair.aspx/?${pair}`, `/pair.aspx%3F${pair}`, `/${pin}`, `/api.asmx?${pair}`,
        `/api.asmx/Other?${validate}`, `//pair.aspx?${pair}`, `/pair.aspx;${pair}`, `/pair.aspx&${pair}`)
    }
    const statuses = new Set<number>()
    for (const path of paths) {
      for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'] as const) {
        statuses.add((await app.inject({ method, url: prefix + path })).statusCode)
      }
    }
    for (const type of ['application/json', 'application/x-www-form-urlencoded', 'text/plain']) {
      for (const payload of [JSON.stringify({ pin, secretCode }), `{"pin":"${pin}","pin":"${pin}"`, validate, `[${pin}]`, `${validate}${'x'.repeat(9000)}`]) {
        for (const path of ['/api.asmx/ValidatePin', '/api.asmx/Pair', '/pair.aspx']) {
          const headers = { 'content-type': type }
          const { statusCode } = await app.inject({ method: 'POST', url: prefix + path, headers, payload, remoteAddress: '10.0.0.9' })
          statuses.add(statusCode)
        }
      }
    }
    const expected = [200, 400, 405, 413, 415, 429, ...prefix === '' ? [] : [404]]
    t.same([...statuses].sort(), expected.sort(), 'answers of every kind were given')
    t.ok(log.lines().length > 100)
    for (const form of forms) t.notOk(log.text().includes(form), `${prefix}: ${form}`)
  }
})

t.test('what the log shows of a request is its method, the path as documented and where it came from', async t => {
  const log = createLog()
  const app = await buildServer(t, { prefix: '/x', server: log.server })
  await app.inject(`/x/VALIDATE.aspx?Pin=${pin}`)
  await app.inject('/x/API.asmx/pair')
  await app.inject('/x/nothing')
  const incoming = log.lines().filter(({ msg }) => msg === 'incoming request').map(({ req }) => req)
  t.same(incoming, ['/x/Validate.aspx', '/x/api.asmx/Pair', '/x/*'].map(url => ({
    method: 'GET', url, host: 'localhost:80', remoteAddress: '127.0.0.1'
  })))
  t.equal(log.lines().filter(({ msg }) => msg === 'request completed').length, 3)
})

t.test('serializers of the host, of its log or of the registration, do not bring the query back', async t => {
  const log = createLog()
  const req = (request: { url: string, headers: object }) => ({ url: request.url, headers: request.headers })
  const app = await buildServer(t, {
    server: { logger: { ...log.server.logger, serializers: { req } } },
    ...{ logSerializers: { req } },
    before (app) {
      app.get('/own', async () => 'own')
      app.addHook('onResponse', async request => request.log.info({ req: request.raw }, 'raw'))
    }
  })
  await app.inject(`/Validate.aspx?Pin=${pin}&SecretCode=${encodeURIComponent(secretCode)}`)
  for (const form of forms) t.notOk(log.text().includes(form), form)
  t.ok(log.lines().some(({ msg }) => msg === 'raw'))
  await app.inject('/own?visible=yes')
  t.match(log.text(), '/own?visible=yes', 'the log of the host is its own')
})

t.test('an error of the server is logged without what was sent', async t => {
  const log = createLog()
  const app = await buildServer(t, { server: log.server, clock: () => NaN, codeLimit: false })
  const { statusCode } = await app.inject(`/Validate.aspx?Pin=${pin}&SecretCode=${encodeURIComponent(secretCode)}`)
  t.equal(statusCode, 500)
  t.match(log.lines().find(({ level }) => level === 50), { err: { message: String, stack: String } })
  for (const form of forms) t.notOk(log.text().includes(form), form)
})

t.test('a client that hangs up, or speaks no HTTP, leaves no secret behind', async t => {
  const log = createLog()
  const app = await buildServer(t, { server: log.server })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const query = `Pin=${pin}&SecretCode=${encodeURIComponent(secretCode)}`
  for (const text of [
    `POST /api.asmx/ValidatePin?${query} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"pin":"${pin}"`,
    `GET /Validate.aspx?Pin=${pin}&SecretCode=${secretCode} HTTP/1.1\r\nHost: a\r\n\r\n`,
    `GET /Validate.aspx?${query} HTTP/1.1\r\nHost: a\r\nX\u0000: y\r\n\r\n`, `GET /Validate.aspx?${query} HTTP/9.9\r\n\r\n`, `GET /Validate.aspx?${query}\r\n\r\n`
  ]) {
    await new Promise<void>(resolve => {
      const socket = connect(port, '127.0.0.1', () => socket.end(text))
      socket.on('error', () => {}).on('close', () => resolve()).resume()
    })
  }
  await app.close()
  t.equal(log.lines().filter(({ msg }) => msg === 'client error').length, 4)
  for (const form of forms) t.notOk(log.text().includes(form), form)
})

t.test('without a log of the host there is nothing to scrub, and all works', async t => {
  const app = await buildServer(t)
  const Pin = pinAt(vector.base32, vector.now)
  t.equal((await app.inject(`/Validate.aspx?Pin=${Pin}&SecretCode=${vector.secretCode}`)).body, 'True')
})
