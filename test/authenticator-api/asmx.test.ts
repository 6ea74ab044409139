import t from 'tap'
import { buildServer, get, vector } from './server.js'

const { secretCode, base32, pin } = vector
const acme = { appName: 'Acme', appInfo: 'ada', secretCode }
const html = `<a title='Manually pair with ${base32}' href='https://2fa.example.com'>` +
  "<img src='https://2fa.example.com/qr.aspx?size=300x300&data=" +
  encodeURIComponent(`otpauth://totp/Acme:ada?secret=${base32}&issuer=Acme&algorithm=SHA1&digits=6&period=30`) + "' border=0></a>"
const publicUrl = 'https://2fa.example.com'

const namespace = 'http://authenticatorapi.com/'
const pairingXml = '<?xml version="1.0" encoding="utf-8"?>\r\n' +
  `<PairingInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="${namespace}">\r\n` +
  `  <ManualSetupCode>${base32}</ManualSetupCode>\r\n` +
  `  <Html>${html.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')}</Html>\r\n` +
  '</PairingInfo>'
const booleanXml = (value: boolean) =>
  `<?xml version="1.0" encoding="utf-8"?>\r\n<boolean xmlns="${namespace}">${value}</boolean>`

const form = { 'content-type': 'application/x-www-form-urlencoded' }
const json = { 'content-type': 'application/json; charset=utf-8' }

t.test('a query is answered in XML', async t => {
  const app = await buildServer(t, { publicUrl })
  for (const path of ['/api.asmx/Pair', '/API.asmx/pair', '/Api.Asmx/PAIR']) {
    const response = await get(app, path, acme)
    t.equal(response.statusCode, 200)
    t.equal(response.body, pairingXml, path)
    t.match(response.headers, { 'content-type': 'text/xml; charset=utf-8', 'cache-control': 'no-store' })
  }
  for (const [value, right] of [[pin, true], ['000000', false]] as const) {
    const response = await get(app, '/api.asmx/ValidatePin', { PIN: value, SecretCode: secretCode })
    t.equal(response.body, booleanXml(right))
    t.match(response.headers, { 'content-type': 'text/xml; charset=utf-8', 'cache-control': 'no-store' })
  }
})

t.test('a form is answered in XML', async t => {
  const app = await buildServer(t, { publicUrl })
  const post = (url: string, fields: Record<string, string>) =>
    app.inject({ method: 'POST', url, headers: form, payload: new URLSearchParams(fields).toString() })
  t.equal((await post('/api.asmx/Pair', acme)).body, pairingXml)
  t.equal((await post('/api.asmx/ValidatePin', { pin, secretCode })).body, booleanXml(true))
  t.equal((await post('/api.asmx/validatepin', { Pin: '000000', SECRETCODE: secretCode })).body, booleanXml(false))
})

t.test('JSON is answered in JSON', async t => {
  const app = await buildServer(t, { publicUrl })
  const post = (url: string, payload: object) => app.inject({ method: 'POST', url, headers: json, payload })
  const paired = await post('/api.asmx/Pair', acme)
  t.same(paired.json(), { d: { __type: 'AuthenticatorAPI.PairingInfo', ManualSetupCode: base32, Html: html } })
  t.match(paired.headers, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' })
  t.same((await post('/api.asmx/ValidatePin', { pin, secretCode })).json(), { d: true })
  t.same((await post('/api.asmx/ValidatePin', { PIN: '000000', SecretCode: secretCode })).json(), { d: false })
})

t.test('a missing parameter is 400 and named, as text or for JSON as ASP.NET\'s object', async t => {
  const app = await buildServer(t)
  for (const [path, given, missing] of [
    ['Pair', {}, 'appName'], ['Pair', { appName: 'Acme' }, 'appInfo'], ['Pair', { appName: 'Acme', appInfo: 'ada' }, 'secretCode'],
    ['ValidatePin', {}, 'pin'], ['ValidatePin', { pin }, 'secretCode']
  ] as const) {
    const url = `/api.asmx/${path}`
    const query = await get(app, url, given)
    t.equal(query.statusCode, 400)
    t.equal(query.body, `Missing parameter: ${missing}.`)
    t.equal(query.headers['content-type'], 'text/plain; charset=utf-8')
    const posted = await app.inject({ method: 'POST', url, headers: json, payload: given })
    t.equal(posted.statusCode, 400)
    t.same(posted.json(), { Message: `Missing parameter: ${missing}.` })
    t.equal((await app.inject({ method: 'POST', url: `${url}?${new URLSearchParams(acme).toString()}` })).statusCode, 400, 'no body')
  }
  t.equal((await get(app, '/api.asmx/ValidatePin', { pin: '', secretCode })).body, booleanXml(false), 'an empty one is there')
  t.equal((await get(app, '/api.asmx/Pair', { ...acme, appInfo: '' })).statusCode, 400, 'but is no name')
})

t.test('I3 what is no object of strings is 400, whatever it might be read as', async t => {
  const app = await buildServer(t)
  const bodies = [
    `{"pin":198718,"secretCode":"${secretCode}"}`, `{"pin":["${pin}"],"secretCode":"${secretCode}"}`, `{"pin":null,"secretCode":"${secretCode}"}`,
    `{"pin":"${pin}","secretCode":12345678}`, `{"pin":"${pin}","pin":"${pin}","secretCode":"${secretCode}"}`, `{"pin":"${pin}","PIN":"000000","secretCode":"${secretCode}"}`,
    `{"__proto__":{"pin":"${pin}"},"secretCode":"${secretCode}"}`, `{"pin":"${pin}","secretCode":"пароль"}`, `{"pin":"${'1'.repeat(65)}","secretCode":"x"}`,
    '[]', '"x"', '5', 'null', '{', '', `pin=${pin}`
  ]
  for (const payload of bodies) {
    const response = await app.inject({ method: 'POST', url: '/api.asmx/ValidatePin', headers: json, payload })
    t.equal(response.statusCode, 400, payload)
    t.type(response.json<{ Message: string }>().Message, 'string')
    t.notOk(response.body.includes(pin) || response.body.includes(secretCode), 'what was sent is not repeated')
  }
  for (const payload of [`pin=${pin}&pin=${pin}&secretCode=${secretCode}`, `pin=${pin}&Pin=1&secretCode=${secretCode}`, `pin[]=${pin}&secretCode=x`, '', '&', '%']) {
    t.equal((await app.inject({ method: 'POST', url: '/api.asmx/ValidatePin', headers: form, payload })).statusCode, 400, payload)
  }
})

t.test('I4 bodies of another type or of more than 8 KiB are refused', async t => {
  const app = await buildServer(t)
  for (const url of ['/api.asmx/Pair', '/api.asmx/ValidatePin']) {
    const payload = `pin=${pin}&secretCode=${secretCode}`
    for (const type of ['text/plain', 'text/xml', 'application/soap+xml', 'multipart/form-data; boundary=x']) {
      const response = await app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload })
      t.equal(response.statusCode, 415, type)
    }
    t.equal((await app.inject({ method: 'POST', url, headers: form, payload: payload + '&x='.padEnd(8192, 'x') })).statusCode, 413)
    for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS'] as const) {
      const response = await app.inject({ method, url, payload: { pin } })
      t.equal(response.statusCode, 405)
      t.equal(response.headers.allow, 'GET, HEAD, POST')
    }
  }
})

t.test('parsers and validators of the host stay its own', async t => {
  const app = await buildServer(t, {
    before (app) {
      app.addContentTypeParser('text/csv', { parseAs: 'string' }, (_request, body, done) => done(null, body))
      app.post('/echo', async request => ({ body: request.body }))
    }
  })
  t.same((await app.inject({ method: 'POST', url: '/echo', payload: { a: 1 } })).json(), { body: { a: 1 } })
  t.same((await app.inject({ method: 'POST', url: '/echo', headers: { 'content-type': 'text/csv' }, payload: 'a' })).json(), { body: 'a' })
  t.equal((await app.inject({ method: 'POST', url: '/echo', headers: form, payload: 'a=1' })).statusCode, 415)
  t.equal((await app.inject({ method: 'POST', url: '/api.asmx/Pair', headers: { 'content-type': 'text/csv' }, payload: 'a' })).statusCode, 415)
})
