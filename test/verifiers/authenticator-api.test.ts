import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { setImmediate } from 'node:timers/promises'
import { inspect } from 'node:util'
import t, { type Test } from 'tap'
import { authenticatorApi, type AuthenticatorApiOptions, type CodeToCheck, type Verdict, type Verifier } from '../../plugin/index.js'
import { encodeBase32 } from '../../plugin/otp/base32.js'
import { misbehaviours, pem, startService, type Service } from '../helpers/hostile-service.js'

const key = Buffer.from('12345678BXYT')
const base32 = 'GEZDGNBVGY3TQQSYLFKA'
const secret = { key, algorithm: 'SHA1', digits: 6, period: 30 } as const
// The code of this key at Unix time 59.
const attempt = { ...secret, code: '198718', now: 59_000, window: 1 }

function connect (t: Test, { url }: Pick<Service, 'url'>, options: Partial<AuthenticatorApiOptions> = {}) {
  const verifier = authenticatorApi({
    url, allowHttp: true, timeout: 300, breaker: { failures: 100 }, ...options
  })
  t.teardown(() => verifier.close?.())
  return verifier
}

async function check (verifier: Verifier, more: Partial<CodeToCheck> = {}): Promise<Verdict> {
  return verifier.check({ ...attempt, ...more })
}

// tap wants promises of nothing to reject.
async function pair (verifier: Verifier, label = 'ada'): Promise<void> {
  await verifier.pair?.({ ...secret, issuer: 'Acme', label })
}

function pairing (code: string, data = `otpauth://totp/Acme:ada?secret=${encodeBase32(Buffer.from(code))}&issuer=Acme`): string {
  const source = `https://www.AuthenticatorAPI.com/qr.aspx?size=300x300&data=${encodeURIComponent(data)}`
  return `<a title='Manually pair with ${encodeBase32(Buffer.from(code))}' href='https://www.authenticatorapi.com'><img src='${source}' border=0></a>`
}

t.test('whatever the service does instead of its work, nobody is let in, and the error tells no secret', async t => {
  for (const [name, respond] of Object.entries(misbehaviours)) {
    await t.test(name, async t => {
      const verifier = connect(t, await startService(t, respond))
      for (const error of [await t.rejects(check(verifier)), await t.rejects(pair(verifier))]) {
        t.notMatch(inspect(error, { depth: 10, showHidden: true }), /12345678BXYT|GEZDGNBVGY3TQQSYLFKA|198718/)
      }
    })
  }

  await t.test('there is none', async t => {
    // No service has a port that low.
    await t.rejects(check(connect(t, { url: 'http://127.0.0.1:1' })), /no answer \(ECONNREFUSED\)/)
  })

  await t.test('sends elsewhere, which is not followed', async t => {
    const elsewhere = await startService(t, response => response.end('True'))
    const service = await startService(t, response => response.writeHead(302, { location: elsewhere.url }).end())
    await t.rejects(check(connect(t, service)), /status 302/)
    t.same(elsewhere.asked, [])
  })

  await t.test('has a certificate that nobody vouches for, or of another host', async t => {
    const unknown = await startService(t, response => response.end('True'), 'loopback')
    await t.rejects(check(connect(t, unknown)), /DEPTH_ZERO_SELF_SIGNED_CERT/)
    const other = await startService(t, response => response.end('True'), 'elsewhere')
    const ca = pem('elsewhere.pem')
    await t.rejects(check(connect(t, other, { ca })), /ERR_TLS_CERT_ALTNAME_INVALID/)
    t.same([...unknown.asked, ...other.asked], [], 'no secret was sent')
    t.match(await connect(t, unknown, { ca: pem('loopback.pem') }).check(attempt), { right: true }, 'its own authority')
  })
})

t.test('True and False are read as the guide reads them', async t => {
  const service = await startService(t, () => {})
  const verifier = connect(t, service)
  for (const [answer, right] of [
    ['True', true], ['true', true], ['TRUE\r\n', true], [' true ', true], ['False', false], ['\tfalse\n', false]
  ] as const) {
    service.respond = response => response.end(answer)
    t.match(await verifier.check(attempt), { right }, JSON.stringify(answer))
  }
  t.equal(service.asked[0], '/Validate.aspx?Pin=198718&SecretCode=12345678BXYT')
})

t.test('a code that is right tells its step, and until when it would be right again', async t => {
  const verifier = connect(t, await startService(t, response => response.end('True')))
  t.same(await verifier.check(attempt), { right: true, step: 1, repeatableUntil: 59_000 + 660_000 })
  t.match(await verifier.check({ ...attempt, now: 59_000 + 300_000 }), { right: true, step: 1 }, 'ten steps late')
  t.match(await verifier.check({ ...attempt, code: '000000' }), { right: true, step: undefined },
    'the service is the one who decides')
  const narrow = connect(t, await startService(t, response => response.end('True')), { tolerance: 1 })
  t.match(await narrow.check(attempt), { repeatableUntil: 59_000 + 120_000 })
})

t.test('what was not decided is asked again, twice at most', async t => {
  let refusals = 2
  const service = await startService(t, response => refusals-- > 0 ? response.destroy() : response.end('True'))
  const verifier = connect(t, service, { timeout: 5000 })
  t.match(await verifier.check(attempt), { right: true })
  t.equal(service.asked.length, 3)

  refusals = 100
  await t.rejects(check(verifier))
  t.equal(service.asked.length, 6)

  service.respond = response => response.writeHead(503).end()
  await t.rejects(check(verifier))
  t.equal(service.asked.length, 7, 'an answer is an answer')
})

t.test('a dead service is left alone, and tried again by one call', async t => {
  const service = await startService(t, response => response.writeHead(500).end())
  await t.test('200 at once do not pile up', async t => {
    const verifier = connect(t, service, { breaker: { failures: 3 }, timeout: 5000 })
    const all = await Promise.allSettled(Array.from({ length: 200 }, async () => verifier.check(attempt)))
    t.ok(all.every(({ status }) => status === 'rejected'))
    const before = service.asked.length
    await t.rejects(check(verifier), /failed 3 times in a row/)
    t.equal(service.asked.length, before)
  })

  const verifier = connect(t, service, { breaker: { failures: 1, pause: 10 }, timeout: 5000 })
  await t.rejects(check(verifier))
  const before = service.asked.length
  service.respond = response => response.end('True')
  let back: unknown
  while (back === undefined) {
    back = await Promise.resolve(verifier.check(attempt)).catch(() => new Promise(resolve => setTimeout(resolve, 5)))
  }
  t.match(back, { right: true })
  t.equal(service.asked.length, before + 1)

  await t.test('it goes on with a call that it refuses for what it asks: that is no outage', async t => {
    service.respond = response => response.writeHead(429).end('True')
    for (let i = 0; i < 5; i++) await t.rejects(check(verifier), /status 429/)
    service.respond = response => response.end('True')
    t.match(await verifier.check(attempt), { right: true })
  })

  await t.test('names that it cannot pair keep nobody from signing in', async t => {
    service.respond = (response, { url }) => url?.startsWith('/pair')
      ? response.writeHead(500).end()
      : response.end('True')
    for (let i = 0; i < 5; i++) await t.rejects(pair(verifier, '<'))
    t.match(await verifier.check(attempt), { right: true })
  })
})

t.test('200 at once to a service that hangs all end with the time of one', async t => {
  const service = await startService(t, () => {})
  const verifier = connect(t, service, { breaker: { failures: 5 }, connections: 8 })
  const all = await Promise.allSettled(Array.from({ length: 200 }, () => check(verifier)))
  t.ok(all.every(({ status }) => status === 'rejected'))
  await t.rejects(check(verifier), /failed 5 times in a row/)
})

t.test('an answer that comes too late is nobody else\'s', async t => {
  let answerLate = () => {}
  const service = await startService(t, response => { answerLate = () => response.end('True') })
  const verifier = connect(t, service, { connections: 1 })
  await t.rejects(check(verifier), /TimeoutError/)
  service.respond = response => response.end('False')
  const next = check(verifier)
  answerLate()
  t.match(await next, { right: false })
})

t.test('while one call tries a service that hangs, the others do not wait for it', async t => {
  const service = await startService(t, response => response.writeHead(500).end())
  const verifier = connect(t, service, { breaker: { failures: 1, pause: 10 }, timeout: 60_000 })
  await t.rejects(check(verifier))
  const asked = new Promise<void>(resolve => { service.respond = () => resolve() })
  const leave = new AbortController()
  let trying: Promise<unknown>
  do {
    trying = check(verifier, { signal: leave.signal })
    // Until the pause is over, it is refused.
  } while (await Promise.race([asked.then(() => false), trying.then(() => false, () => setImmediate(true))]))
  await t.rejects(check(verifier), /no call/)
  leave.abort()
  await t.rejects(trying, /client has gone/)
})

t.test('a client that has gone is waited for no longer, and is no failure of the service', async t => {
  const service = await startService(t, response => response.end('True'))
  const verifier = connect(t, service, { breaker: { failures: 1 }, timeout: 60_000 })
  const leave = new AbortController()
  const arrived = new Promise<void>(resolve => { service.respond = () => resolve() })
  const checking = check(verifier, { signal: leave.signal })
  arrived.then(() => leave.abort(), () => {})
  await t.rejects(checking, { message: 'The client has gone' })
  await t.rejects(check(verifier, { signal: leave.signal }), { message: 'The client has gone' })

  service.respond = response => response.end('True')
  t.match(await verifier.check(attempt), { right: true })
})

t.test('pairing', async t => {
  const service = await startService(t, response => response.end(pairing('12345678BXYT')))
  const verifier = connect(t, service)
  const pair = async (label = 'ada') => verifier.pair?.({ ...secret, issuer: 'Acme & Co', label })

  t.same(await pair('ada+lovelace@example.com'), {})
  const query = 'AppName=Acme%20%26%20Co&AppInfo=ada%2Blovelace%40example.com&SecretCode=12345678BXYT'
  t.equal(service.asked[0], `/pair.aspx?${query}`)

  for (const [problem, html] of Object.entries({
    'another key': pairing('12345678BXYU'),
    'another key in the QR code alone': pairing('12345678BXYT', 'otpauth://totp/Acme:ada?secret=GEZDGNBVGY3TQQSYLFKQ'),
    'the Base32 decoding for a key': pairing('12345678BXYT').replace(base32, '12345678BXYT'),
    'codes by another period': pairing('12345678BXYT', `otpauth://totp/Acme:ada?secret=${base32}&period=60`),
    'codes by another hash': pairing('12345678BXYT', `otpauth://totp/Acme:ada?secret=${base32}&algorithm=SHA256`),
    'codes by a counter': pairing('12345678BXYT', `otpauth://hotp/Acme:ada?secret=${base32}`),
    'no picture': `<a title='Manually pair with ${base32}'>`,
    'no key': pairing('12345678BXYT').replace(/title='[^']*'/, ''),
    'no data': `<a title='Manually pair with ${base32}'><img src='https://x/qr.aspx?size=300x300'></a>`,
    'data that is no URI': `<a title='Manually pair with ${base32}'><img src='https://x/qr.aspx?data=x'></a>`
  })) {
    service.respond = response => response.end(html)
    await t.rejects(pair(), { message: /another key|no pairing/ }, problem)
  }

  service.respond = response => response.end(pairing('12345678BXYT').replaceAll("'", '"').replaceAll('&data', '&amp;data'))
  t.same(await pair(), {}, 'quotes and entities as another server may write them')
})

t.test('fallback: without the service, a code is checked here', async t => {
  const service = await startService(t, response => response.writeHead(500).end())
  const verifier = connect(t, service, { fallback: 'local' })
  t.match(await verifier.check(attempt), { right: true, step: 1, fallback: true, repeatableUntil: 719_000 })
  t.match(await verifier.check({ ...attempt, now: 119_000 }), { right: false, fallback: true }, 'by the window of the host')
  t.match(await verifier.check({ ...attempt, code: '000000' }), { right: false, fallback: true })
  t.same(await verifier.pair?.({ ...secret, issuer: 'Acme', label: 'ada' }), { fallback: true })
  service.respond = response => response.end('False')
  t.same(await verifier.check(attempt), { right: false }, 'what the service says, it has said')
})

t.test('the secrets it makes', async t => {
  const verifier = authenticatorApi({ url: 'https://www.authenticatorapi.com' })
  const made = Array.from({ length: 50 }, () => Buffer.from(verifier.createKey?.() ?? []).toString())
  t.ok(made.every(code => /^[A-Z2-7]{32}$/.test(code)))
  t.equal(new Set(made).size, 50)
  t.equal(verifier.keyEncoding, 'ascii')
})

t.test('what it cannot check', async t => {
  const { objection } = authenticatorApi({ url: 'https://www.authenticatorapi.com' })
  t.equal(objection?.(secret), undefined)
  t.match(objection?.({ ...secret, digits: 8 }), /6 digits/)
  t.match(objection?.({ ...secret, period: 60 }), /30 seconds/)
  t.match(objection?.({ ...secret, algorithm: 'SHA256' }), /SHA1/)
  for (const text of ['k\u00fcche12345678', 'with space1234', '\u0000123456789012']) {
    t.match(objection?.({ ...secret, key: Buffer.from(text) }), /ASCII/)
  }
})

t.test('options', async t => {
  const url = 'https://www.authenticatorapi.com'
  for (const [option, given] of Object.entries({
    url: [{ url: '' }, { url: 'example.com' }, { url: 'ftp://example.com' }, { url: 'http://example.com' }, { url: `${url}?a=b` },
      { url: `${url}#a` }, { url: 'https://me:secret@example.com' }, { url: undefined }],
    timeout: [{ url, timeout: 0 }, { url, timeout: 60_001 }, { url, timeout: Number.NaN }],
    connections: [{ url, connections: 0 }],
    tolerance: [{ url, tolerance: -1 }, { url, tolerance: 21 }, { url, tolerance: 1.5 }],
    fallback: [{ url, fallback: 'remote' }, { url, fallback: true }],
    'breaker.failures': [{ url, breaker: { failures: 0 } }],
    'breaker.pause': [{ url, breaker: { pause: 1 } }],
    'breaker.reset': [{ url, breaker: { reset: 1 } }],
    retries: [{ url, retries: 3 }]
  })) {
    for (const options of given) {
      const refusal = { code: 'FST_2FA_BAD_OPTION', message: new RegExp(`"${option}"`) }
      t.throws(() => authenticatorApi(options as never), refusal, inspect(options))
    }
  }
  t.doesNotThrow(() => authenticatorApi({ url: 'https://example.com/checker/', ca: [pem('loopback.pem')] }))
})

t.test('nothing of a secret is on the diagnostics channels of undici', async t => {
  const heard: unknown[] = []
  const everything = { depth: 12, showHidden: true, maxStringLength: null }
  const listen = (message: unknown) => { heard.push(inspect(message, everything)) }
  const chunks: string[] = []
  const ofRequests = ['create', 'headers', 'trailers', 'error', 'bodySent', 'bodyChunkSent', 'bodyChunkReceived']
  const ofClients = ['sendHeaders', 'beforeConnect', 'connected', 'connectError']
  const channels = [
    ...ofRequests.map(name => `undici:request:${name}`), ...ofClients.map(name => `undici:client:${name}`)
  ]
  const listenToBody = (message: unknown) => {
    const { chunk } = message as { chunk?: unknown }
    if (Buffer.isBuffer(chunk)) chunks.push(chunk.toString('latin1'))
  }
  for (const channel of channels) {
    subscribe(channel, listen)
    subscribe(channel, listenToBody)
  }
  t.teardown(() => {
    for (const channel of channels) {
      unsubscribe(channel, listen)
      unsubscribe(channel, listenToBody)
    }
  })

  const html = pairing('12345678BXYT')
  let respond = (response: import('node:http').ServerResponse): unknown => response.end(html)
  const service = await startService(t, response => respond(response))
  const verifier = connect(t, service)
  const pair = async () => verifier.pair?.({ ...secret, issuer: 'Acme', label: 'ada' })
  t.same(await pair(), {})

  await t.test('also where the answer comes in pieces', async t => {
    const [first, last] = [html.indexOf(base32), html.lastIndexOf(base32)]
    for (const cut of [first + 1, first + 7, last + base32.length - 1]) {
      respond = response => {
        response.writeHead(200, { 'content-length': String(html.length) })
        response.write(html.slice(0, cut), () => setTimeout(() => response.end(html.slice(cut)), 20))
      }
      t.same(await pair(), {}, `cut at ${cut}`)
    }
  })

  respond = response => response.end('True')
  t.match(await verifier.check(attempt), { right: true })
  respond = response => response.writeHead(400).end('No such SecretCode: 12345678BXYT')
  await t.rejects(check(verifier))
  respond = response => response.destroy()
  await t.rejects(check(verifier))

  t.ok(heard.length > 20 && chunks.length > 5)
  t.ok(service.asked.every(path => path.includes('12345678BXYT')), 'the service was told')
  t.notMatch(`${heard.join('\n')}\n${chunks.join('\n')}`, /12345678BXYT|GEZDGNBVGY3TQQSYLFKA|198718/)
})

t.test('closed, it can be used again', async t => {
  const verifier = connect(t, await startService(t, response => response.end('True')))
  t.match(await verifier.check(attempt), { right: true })
  await verifier.close?.()
  await verifier.close?.()
  t.match(await verifier.check(attempt), { right: true })
})
