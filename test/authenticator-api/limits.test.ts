import rateLimit from '@fastify/rate-limit'
import t from 'tap'
import { createValidationLimit } from '../../plugin/authenticator-api/validation-limit.js'
import { createClock } from '../helpers/host.js'
import { buildServer, get, pinAt, vector } from './server.js'

const { secretCode, base32 } = vector
const address = (remoteAddress: string) => ({ url: '/Validate.aspx', remoteAddress })

t.test('one SecretCode is validated ten times a minute, from whichever address and on whichever path', async t => {
  const clock = createClock()
  const app = await buildServer(t, { clock })
  const paths = ['/Validate.aspx', '/VALIDATE.aspx', '/api.asmx/ValidatePin']
  for (let attempt = 0; attempt < 10; attempt++) {
    const query = new URLSearchParams({ pin: '000000', secretCode }).toString()
    const response = await app.inject({ url: `${paths[attempt % 3]}?${query}`, remoteAddress: `10.0.0.${attempt}` })
    t.equal(response.statusCode, 200)
  }
  clock.advance(59)
  const query = { pin: pinAt(base32, clock()), secretCode }
  for (const path of paths) {
    const response = await get(app, path, query)
    t.equal(response.statusCode, 429, 'a right pin too')
    t.match(response.headers, { 'retry-after': '1', 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' })
    t.notMatch(response.body, /true|false/i, 'no client takes it for an answer')
  }
  const head = await app.inject({ method: 'HEAD', url: `/Validate.aspx?${new URLSearchParams(query).toString()}` })
  t.equal(head.statusCode, 429, 'HEAD has no budget of its own')
  const json = await app.inject({ method: 'POST', url: '/api.asmx/ValidatePin', payload: query })
  t.match(json, { statusCode: 429, headers: { 'retry-after': '1' } })
  t.same(json.json(), { Message: 'Too many validations of this SecretCode. Wait, then try again' })

  t.equal((await get(app, '/Validate.aspx', { pin: '000000', secretCode: 'another' })).body, 'False', 'others are not concerned')
  t.equal((await get(app, '/pair.aspx', { AppName: 'a', AppInfo: 'b', secretCode })).statusCode, 200, 'nor are pairings')
  clock.advance(1)
  t.equal((await get(app, '/Validate.aspx', query)).body, 'True')
})

t.test('the limit by SecretCode is as configured, also with parallel requests', async t => {
  const app = await buildServer(t, { codeLimit: { max: 3, timeWindow: 5_000 } })
  const responses = await Promise.all(Array.from({ length: 20 }, () => get(app, '/Validate.aspx', { pin: '000000', secretCode })))
  t.equal(responses.filter(({ statusCode }) => statusCode === 200).length, 3)
  t.equal(responses.filter(({ statusCode, headers }) => statusCode === 429 && headers['retry-after'] === '5').length, 17)

  const open = await buildServer(t, { codeLimit: false, rateLimit: false })
  for (let attempt = 0; attempt < 400; attempt++) {
    const { statusCode } = await get(open, '/Validate.aspx', { pin: '000000', secretCode })
    if (statusCode !== 200) t.fail(`attempt ${attempt}: ${statusCode}`)
  }
})

t.test('what is refused as malformed is not counted', async t => {
  const app = await buildServer(t, { codeLimit: { max: 1 } })
  for (let attempt = 0; attempt < 5; attempt++) {
    t.equal((await get(app, '/Validate.aspx', { pin: '1'.repeat(65), secretCode })).statusCode, 400)
    t.equal((await get(app, '/Validate.aspx', { secretCode })).statusCode, 200)
  }
  t.equal((await get(app, '/Validate.aspx', { pin: vector.pin, secretCode })).body, 'True')
})

t.test('windows: each starts with its first validation, ends by itself and outlives no clock that is set back', async t => {
  const clock = createClock()
  const count = createValidationLimit({ max: 2, timeWindow: 60_000 }, clock)
  const key = Buffer.from('key')
  t.same([count(key), count(key), count(key)], [0, 0, 60_000])
  clock.advance(20)
  t.equal(count(key), 40_000, 'asking does not prolong it')
  clock.advance(40)
  t.same([count(key), count(key), count(key)], [0, 0, 60_000])
  clock.advance(-3600)
  t.same([count(key), count(key), count(key)], [0, 0, 60_000])
})

t.test('memory is bounded: of many SecretCodes the oldest windows are forgotten', async t => {
  const clock = createClock()
  const count = createValidationLimit({ max: 1, timeWindow: 60_000 }, clock)
  const key = (index: number) => Buffer.from(String(index))
  for (let index = 0; index < 10_002; index++) count(key(index))
  t.ok(count(key(10_001)) > 0, 'the newest')
  t.ok(count(key(5000)) > 0)
  t.equal(count(key(0)), 0, 'the oldest')
})

t.test('one address has 300 requests a minute over all paths, HEAD and unknown ones among them', async t => {
  const app = await buildServer(t, { prefix: '/api', codeLimit: false })
  const requests = [
    { url: '/api/pair.aspx' }, { url: '/api/Validate.aspx' }, { method: 'HEAD', url: '/api/Validate.aspx' }, { url: '/api/qr.aspx' }, { url: '/api/api.asmx/Pair' },
    { method: 'POST', url: '/api/api.asmx/ValidatePin' }
  ] as const
  for (let index = 0; index < 300; index++) {
    const { statusCode } = await app.inject(requests[index % requests.length] ?? '')
    if (statusCode === 429) t.fail(`request ${index}`)
  }
  for (const request of requests) {
    const response = await app.inject(request)
    t.equal(response.statusCode, 429)
    t.match(response.headers, { 'retry-after': /^\d+$/, 'cache-control': 'no-store', 'content-type': 'text/plain; charset=utf-8' })
  }
  t.equal((await app.inject({ ...address('10.0.0.2'), url: '/api/Validate.aspx' })).statusCode, 200, 'another one')
  t.equal((await app.inject('/elsewhere')).statusCode, 404, 'the host\'s own paths')
})

t.test('G10 a limiter of the host neither replaces nor silences this one, and the other way round', async t => {
  const app = await buildServer(t, {
    rateLimit: { max: 2, timeWindow: 60_000 },
    async before (app) {
      await app.register(rateLimit, { max: 4, allowList: ['127.0.0.1'] })
      app.get('/own', async () => 'own')
    }
  })
  const statuses = async (url: string, remoteAddress: string) => {
    const found: number[] = []
    for (let index = 0; index < 5; index++) found.push((await app.inject({ url, remoteAddress })).statusCode)
    return found
  }
  t.same(await statuses('/Validate.aspx', '127.0.0.1'), [200, 200, 429, 429, 429])
  t.same(await statuses('/own', '10.0.0.1'), [200, 200, 200, 200, 429])
  t.same(await statuses('/own', '127.0.0.1'), [200, 200, 200, 200, 200])
})

t.test('the options of the limit by address are handed on', async t => {
  const app = await buildServer(t, { rateLimit: { max: 1, allowList: ['10.0.0.1'] } })
  for (let index = 0; index < 5; index++) t.equal((await app.inject(address('10.0.0.1'))).statusCode, 200)
  t.equal((await app.inject(address('10.0.0.2'))).statusCode, 200)
  t.equal((await app.inject(address('10.0.0.2'))).statusCode, 429)
})
