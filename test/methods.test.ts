import t, { type Test } from 'tap'
import type { ProofMethod, TwoFactorEvent } from '../plugin/index.js'
import { buildHost, codeAt, enrol, enrolByImport, signIn, wrongCode, type HostOptions } from './helpers/host.js'

/** A small way of the host's own: a word that is sent, good once. */
function createWords () {
  const sent = new Map<string, string>()
  const words = { sent, calls: 0, fails: false }
  const method: ProofMethod = {
    label: 'Send me a word',
    isAvailable: ({ label }) => label.endsWith('@example.com'),
    start ({ id }) {
      if (words.fails) throw new Error('The mail server is down')
      sent.set(id, `word-${sent.size}-${id}`)
    },
    check ({ id }, proof) {
      words.calls++
      if (words.fails) throw new Error('The word store is down')
      return sent.get(id) === proof && sent.delete(id)
    }
  }
  return Object.assign(words, { method })
}

async function setUp (t: Test, options: HostOptions = {}) {
  const words = createWords()
  const events: TwoFactorEvent[] = []
  const host = await buildHost(t, {
    methods: { word: words.method }, onEvent: event => { events.push(event) }, ...options
  })
  return { host, words, events, ...await enrol(host) }
}

t.test('a user passes by a method of the host, once for each proof', async t => {
  const { host, words, events } = await setUp(t)
  const client = await signIn(host)
  t.same((await client.get('/2fa/methods')).json(), { methods: [{ name: 'word', label: 'Send me a word' }] })
  t.same((await client.post('/2fa/methods/word/start')).json(), { started: true })
  const proof = words.sent.get('ada') ?? ''
  t.same((await client.post('/2fa/methods/word', { proof })).json(), { verified: true })
  t.equal((await client.get('/dashboard')).statusCode, 200)
  t.equal((await client.post('/transfer')).statusCode, 200, 'it is a fresh proof')
  t.match(events.at(-1), { type: 'verified', userId: 'ada' })

  const other = await signIn(host)
  t.match(await other.post('/2fa/methods/word', { proof }), { statusCode: 401, body: /FST_2FA_INVALID_CODE/ })
  t.equal((await other.get('/dashboard')).statusCode, 403)
})

t.test('G6 its attempts are of the one budget of the account', async t => {
  const { host, words, secret } = await setUp(t)
  host.clock.advance(30)
  const client = await signIn(host)
  await client.post('/2fa/methods/word/start')
  for (let i = 0; i < 3; i++) await client.post('/2fa/methods/word', { proof: 'guess' })
  for (let i = 0; i < 2; i++) await client.post('/2fa/verify', { code: wrongCode(secret, host.clock) })
  const calls = words.calls
  t.match(await client.post('/2fa/methods/word', { proof: words.sent.get('ada') ?? '' }), { statusCode: 429, headers: { 'retry-after': '60' } })
  t.equal(words.calls, calls, 'while locked, the method is not asked')
  t.equal((await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode, 429)

  host.clock.advance(60)
  t.equal((await client.post('/2fa/methods/word', { proof: words.sent.get('ada') ?? '' })).statusCode, 200)
  t.match(await host.app.twoFactor.status('ada'), { failedAttempts: 0 })
})

t.test('G2 of 100 parallel guesses five are evaluated', async t => {
  const { host, words } = await setUp(t, { rateLimit: false })
  const client = await signIn(host)
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.post('/2fa/methods/word', { proof: 'guess' })))
  t.equal(words.calls, 5)
  t.equal(answers.filter(({ statusCode }) => statusCode === 429).length, 95)
})

t.test('a method that fails lets nobody in, and counts no attempt', async t => {
  const { host, words } = await setUp(t, { lockout: { attempts: 1 } })
  const client = await signIn(host)
  words.fails = true
  for (const url of ['/2fa/methods/word', '/2fa/methods/word/start']) {
    t.match(await client.post(url, url.endsWith('start') ? undefined : { proof: 'x' }), { statusCode: 503, body: /FST_2FA_UNAVAILABLE/ })
  }
  t.match(await host.app.twoFactor.status('ada'), { failedAttempts: 0, lockedUntil: null })
  t.notMatch((await client.post('/2fa/methods/word', { proof: 'x' })).body, /word store/)
})

t.test('who does not have it is told alike', async t => {
  const { host } = await setUp(t, {
    getUser: ({ session: { user } }) => user ? { id: user.id, label: user.id === 'ada' ? 'ada@example.com' : 'elsewhere' } : null
  })
  await enrolByImport(host, 'eve')
  const eve = await signIn(host, 'eve')
  t.same((await eve.get('/2fa/methods')).json(), { methods: [] })
  const ada = await signIn(host)
  const bob = await signIn(host, 'bob')
  for (const [client, name] of [[eve, 'word'], [ada, 'pigeon'], [ada, 'constructor'], [bob, 'word']] as const) {
    t.match(await client.post(`/2fa/methods/${name}`, { proof: 'x' }), { statusCode: 404, body: /FST_2FA_UNKNOWN_METHOD/ }, name)
    t.match(await client.post(`/2fa/methods/${name}/start`), { statusCode: 404 }, name)
  }
})

t.test('by pages alone', async t => {
  const { host, words } = await setUp(t)
  const client = await signIn(host)
  t.match((await client.page('/2fa/verify?next=/dashboard')).body, /action="\/2fa\/methods\/word\/start">.*Send me a word/)
  const started = await client.form('/2fa/methods/word/start', { next: '/dashboard' })
  t.match(started, { statusCode: 303, headers: { location: '/2fa/methods/word?next=%2Fdashboard' } })
  t.match((await client.page(String(started.headers.location))).body, /<h1>Send me a word/)
  const wrong = await client.form('/2fa/methods/word', { proof: 'guess', next: '/dashboard' })
  t.match(wrong, { statusCode: 401, body: /role="alert">That code is not right/ })
  const right = await client.form('/2fa/methods/word', { proof: words.sent.get('ada') ?? '', next: '/dashboard' })
  t.match(right, { statusCode: 303, headers: { location: '/dashboard' } })
  t.equal((await client.page('/dashboard')).statusCode, 200)
  t.match(await client.page('/2fa/methods/pigeon'), { statusCode: 404 })
})

t.test('without methods, there are none', async t => {
  const host = await buildHost(t)
  await enrolByImport(host)
  const client = await signIn(host)
  t.same((await client.get('/2fa/methods')).json(), { methods: [] })
  t.notMatch((await client.page('/2fa/verify')).body, /methods/)
})
