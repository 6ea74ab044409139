import fc from 'fast-check'
import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { kyselyStorage } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { buildHost as buildWith, Client, codeAt, enrol, signIn, wrongCode, type HostOptions } from '../helpers/host.js'

const buildHost = (t: Test, options: HostOptions = {}) => buildWith(t, { recoveryCodes: 5, ...options })

/** What a person sees of a page: its text, without the markup. */
function textOf ({ body }: LightMyRequestResponse): string {
  return unescape(body.replace(/<head>.*?<\/head>/s, '').replace(/<\/?(time|bdi|a)\b[^>]*>/g, '').replace(/<[^>]*>/g, ' ')).replace(/\s+/g, ' ').trim()
}

function unescape (text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')
}

/** The forms of a page, with what a browser would send unchanged. */
function formsOf ({ body }: LightMyRequestResponse) {
  return [...body.matchAll(/<form method="post" action="([^"]*)">(.*?)<\/form>/gs)].map(([, action = '', inside = '']) => ({
    action: unescape(action),
    names: [...inside.matchAll(/<input[^>]* name="([^"]*)"/g)].map(([, name = '']) => name),
    hidden: Object.fromEntries([...inside.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
      .map(([, name = '', value = '']) => [name, unescape(value)]))
  }))
}

const linksOf = ({ body }: LightMyRequestResponse) => [...body.matchAll(/ href="([^"]*)"/g)].map(([, href = '']) => unescape(href))
const qrOf = ({ body }: LightMyRequestResponse) => /<svg.*<\/svg>/s.exec(body)?.[0]
const keyOf = ({ body }: LightMyRequestResponse) => (/<code class="key" id="key"[^>]*>([^<]*)</.exec(body)?.[1] ?? '').replaceAll(' ', '')

/** Fills in the first form of the page, and sends it with what is hidden in it. */
async function submit (client: Client, page: LightMyRequestResponse, fields: Record<string, string>) {
  const [form] = formsOf(page)
  if (!form) throw new Error(`No form in: ${textOf(page)}`)
  for (const name of Object.keys(fields)) if (!form.names.includes(name)) throw new Error(`No field ${name}`)
  return client.form(form.action, { ...form.hidden, ...fields })
}

/** Follows a redirect of this site. */
async function follow (client: Client, { statusCode, headers }: LightMyRequestResponse) {
  if (statusCode !== 303) throw new Error(`No redirect: ${statusCode}`)
  return client.page(String(headers.location))
}

t.test('a person sets up, is shown recovery codes once, signs in again by a code and is where they wanted to be, by forms alone', async t => {
  const host = await buildHost(t)
  const client = await signIn(host)
  const setup = await follow(client, await client.page('/admin?tab=2'))
  t.equal(setup.statusCode, 200)
  t.match(textOf(setup), /Acme Set up two-factor authentication Scan this with the authenticator app/)
  t.match(textOf(setup), /for the account ada@example\.com/)
  const secret = keyOf(setup)
  t.match(secret, /^[A-Z2-7]{32}$/)
  t.ok(linksOf(setup).some(link => link.startsWith('otpauth://totp/Acme:ada%40example.com?secret=' + secret)))

  const confirmed = await submit(client, setup, { code: codeAt(secret, host.clock), name: '  My Pixel ' })
  t.equal(confirmed.statusCode, 200)
  t.match(textOf(confirmed), /Acme Two-factor authentication is on Keep these .* They are shown only now/)
  const codes = [...confirmed.body.matchAll(/<li><code>([^<]*)<\/code>/g)].map(([, code = '']) => code)
  t.equal(codes.length, 5)
  t.ok(linksOf(confirmed).includes('/admin?tab=2'), 'and on to where they wanted to be')
  t.equal((await client.page('/admin?tab=2')).statusCode, 200)
  for (const url of ['/2fa', '/2fa/setup', '/2fa/verify', '/2fa/recover']) t.notOk((await client.page(url)).body.includes(codes[0] ?? ''), 'the recovery codes are not shown again')

  host.clock.advance(30)
  const again = await signIn(host)
  const verify = await follow(again, await again.page('/dashboard?tab=1'))
  t.match(textOf(verify), /Acme Enter your code Code from your authenticator app/)
  const done = await submit(again, verify, { code: codeAt(secret, host.clock).replace(/^.../, '$& ') })
  t.equal(done.headers.location, '/dashboard?tab=1')
  t.same((await again.page('/dashboard?tab=1')).json(), { dashboard: true })

  const lost = await signIn(host)
  const asked = await follow(lost, await lost.page('/dashboard'))
  const recover = await lost.page(linksOf(asked).find(link => link.startsWith('/2fa/recover')) ?? '')
  const recovered = await submit(lost, recover, { code: codes[0]?.toLowerCase() ?? '' })
  t.match(textOf(recovered), /You are in That recovery code is used up now\. You have 4 recovery codes left\./)
  t.ok(linksOf(recovered).includes('/dashboard'))
  t.equal((await lost.page('/dashboard')).statusCode, 200)
  t.match(textOf(await client.page('/2fa')), /My Pixel last used January 1, 2026/)
})

t.test('the setup page shows the same QR after a reload and after a wrong code, and the problem at the field', async t => {
  const host = await buildHost(t)
  const client = await signIn(host)
  const first = await client.page('/2fa/setup?next=/admin')
  const reloaded = await client.page('/2fa/setup?next=/admin')
  t.equal(qrOf(reloaded), qrOf(first))
  t.equal(keyOf(reloaded), keyOf(first))

  for (const code of [wrongCode(keyOf(first), host.clock), '12', '']) {
    const refused = await submit(client, reloaded, { code })
    t.match(refused.statusCode, /^40[01]$/)
    t.equal(qrOf(refused), qrOf(first), `after "${code}"`)
    t.match(refused.body, /<p class="problem" id="problem" role="alert">[^<]*That (code is not right|is not a code)/)
    t.match(refused.body, /<input class="code"[^>]* aria-invalid="true" aria-describedby="problem">/)
    t.equal(formsOf(refused)[0]?.hidden.next, '/admin', 'and the way back is kept')
  }
  const done = await submit(client, reloaded, { code: codeAt(keyOf(first), host.clock) })
  t.equal(done.statusCode, 200)
  t.notMatch((await client.page('/2fa/setup')).body, /id="problem"/)
})

t.test('an expired setup says so, and starting again shows a new QR', async t => {
  const host = await buildHost(t, { setupTtl: 60_000 })
  const client = await signIn(host)
  const first = await client.page('/2fa/setup')
  host.clock.advance(60)
  const expired = await submit(client, first, { code: codeAt(keyOf(first), host.clock) })
  t.equal(expired.statusCode, 410)
  t.match(textOf(expired), /This setup has expired\. Start again and scan the new QR code\./)
  const again = await client.page('/2fa/setup')
  t.not(keyOf(again), keyOf(first))
})

t.test('a form that begins a setup leads to its page', async t => {
  const host = await buildHost(t)
  const client = await signIn(host)
  const begun = await client.form('/2fa/setup')
  t.equal(begun.headers.location, '/2fa/setup')
  t.equal((await follow(client, begun)).statusCode, 200)
})

t.test('the verify page keeps the way back through wrong codes, locks and the change to a recovery code', async t => {
  const host = await buildHost(t)
  const { secret } = await enrol(host)
  const client = await signIn(host)
  const first = await client.page('/2fa/verify?next=/dashboard')
  t.notMatch(first.body, /aria-invalid=|id="problem"/)
  const recover = await client.page(linksOf(first).find(link => link.includes('/recover')) ?? '')
  let page = first
  for (let count = 0; count < 5; count++) {
    page = await submit(client, page, { code: wrongCode(secret, host.clock) })
    t.equal(page.statusCode, 401)
    t.match(textOf(page), /That code is not right/)
    t.match(page.body, /aria-invalid="true" aria-describedby="problem"/)
    t.equal(formsOf(page)[0]?.hidden.next, '/dashboard')
  }
  const locked = await submit(client, page, { code: wrongCode(secret, host.clock) })
  t.equal(locked.statusCode, 429)
  t.equal(locked.headers['retry-after'], '60')
  t.match(textOf(locked), /Please wait Too many wrong codes\. You can try again in 1 minute\. Try again/)
  t.same(formsOf(locked), [], 'there is nothing to send for now')
  t.ok(linksOf(locked).includes('/2fa/verify?next=%2Fdashboard'))
  for (const path of ['/2fa/verify', '/2fa/recover']) {
    const again = await client.page(`${path}?next=/dashboard`)
    t.equal(again.statusCode, 200)
    t.match(textOf(again), /You can try again in 1 minute/, 'whoever comes before it is over is told')
    t.ok(linksOf(again).includes(`${path}?next=%2Fdashboard`))
  }
  host.clock.advance(31)
  t.match(textOf(await client.page('/2fa/verify')), /You can try again in 29 seconds/)

  host.clock.advance(60)
  t.match(textOf(await client.page('/2fa/verify')), /Enter your code/)
  t.equal(formsOf(recover)[0]?.hidden.next, '/dashboard')
  const refused = await submit(client, recover, { code: 'not a code' })
  t.equal(refused.statusCode, 400)
  t.equal(formsOf(refused)[0]?.hidden.next, '/dashboard')
  t.match(refused.body, /aria-describedby="problem"/)
  t.ok(linksOf(refused).includes('/2fa/verify?next=%2Fdashboard'))
})

t.test('without a next, a pass leads to defaultRedirect', async t => {
  const host = await buildHost(t, { defaultRedirect: '/home' })
  const { secret, recoveryCodes } = await enrol(host)
  host.clock.advance(30)
  const client = await signIn(host)
  t.equal((await submit(client, await client.page('/2fa/verify'), { code: codeAt(secret, host.clock) })).headers.location, '/home')
  const recovered = await submit(client, await client.page('/2fa/recover'), { code: recoveryCodes[0] ?? '' })
  t.ok(linksOf(recovered).includes('/home'))
  t.equal((await (await signIn(host, 'eve')).page('/2fa/verify')).headers.location, '/home', 'who has no two-factor is not asked')
  t.equal((await (await signIn(host, 'eve')).page('/2fa/verify?next=/x')).headers.location, '/x')
})

const hostile = [
  '//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '/%2e%2e//evil.example', '/.//evil.example', '/\t/evil.example', ' //evil.example', 'data:,x',
  '"><script>alert(1)</script>', '/"onmouseover="alert(1)', '/\r\nset-cookie: a=b', '/é"\'<>&'
]

t.test('I6 a hostile next leads nowhere else, whether it comes by the link, the form or both', async t => {
  const host = await buildHost(t)
  const enrolled = await enrol(host)
  const stays = (location: unknown) => new URL(String(location), 'https://app.example.com').origin === 'https://app.example.com'
  for (const next of hostile) {
    const query = `?${new URLSearchParams({ next })}`
    const client = await signIn(host)
    for (const path of ['/2fa/verify', '/2fa/recover']) {
      const page = await client.page(path + query)
      for (const link of linksOf(page)) t.ok(stays(link), `${path} ${link}`)
      const kept = formsOf(page)[0]?.hidden.next
      t.ok(kept === undefined || stays(kept), `${path} ${kept}`)
    }
    host.clock.advance(30)
    const passed = await client.form(`/2fa/verify${query}`, { code: codeAt(enrolled.secret, host.clock), next })
    t.equal(passed.statusCode, 303)
    t.ok(stays(passed.headers.location), `${next} → ${passed.headers.location}`)
    t.equal(passed.headers['set-cookie']?.toString().includes('a=b'), false)
    t.ok(stays((await (await signIn(host, 'eve')).page(`/2fa/verify${query}`)).headers.location))
    t.equal((await client.page(`/2fa/setup${query}`)).statusCode, 200)
  }
})

t.test('I6 whatever next is, the page that takes the code and its redirect stay on this site', async t => {
  const host = await buildHost(t)
  await enrol(host)
  const password = await signIn(host)
  const plain = await signIn(host, 'eve')
  const next = fc.array(fc.constantFrom('/', '\\', '.', '..', '%2e', '%2f', '//', ':', '@', '?', '#', '\t', '\n', ' ', '"', "'", '<', '>', '&', 'evil.example', 'https:', 'javascript:', '\ud800', 'é'),
    { maxLength: 10 }).map(parts => parts.join(''))
  await fc.assert(fc.asyncProperty(next, async next => {
    const query = `?${new URLSearchParams({ next })}`
    const { statusCode, headers } = await plain.page(`/2fa/verify${query}`)
    if (statusCode !== 303 || new URL(String(headers.location), 'https://app.example.com/2fa/verify').origin !== 'https://app.example.com') return false
    const page = await password.page(`/2fa/verify${query}`)
    const kept = formsOf(page)[0]?.hidden.next
    return formsOf(page).length === 1 && page.body.split('<input').length <= 3 && page.body.split('<script').length === 2 &&
      (kept === undefined || (kept.startsWith('/') && !kept.startsWith('//')))
  }), { numRuns: 500 })
})

// The one script of the pages, where there is one.
const ownScript = '<script type="module" src="/2fa/page.js"></script>'

// What would be markup, or another parameter of the key URI, if it were not escaped.
const names = ['<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onclick='alert(1)", '&secret=GEZDGNBVGY3TQOJQ', '&amp;lt;', '</style><b>', '{{7*7}}', 'Ünï ☂ 名']

t.test('I5 issuer, label and names are escaped wherever they stand', async t => {
  for (const name of names) {
    const host = await buildHost(t, {
      issuer: name,
      getUser: ({ session: { user } }) => user && { id: user.id, label: name }
    })
    const client = await signIn(host)
    const setup = await client.page('/2fa/setup')
    t.ok(textOf(setup).includes(`for the account ${name}:`), name)
    const uri = new URL(linksOf(setup).find(link => link.startsWith('otpauth:')) ?? '')
    t.same(uri.searchParams.getAll('secret'), [keyOf(setup)], 'one secret, and it is the user\'s')
    t.equal(uri.searchParams.get('issuer'), name)
    t.equal(decodeURIComponent(uri.pathname), `/${name}:${name}`)

    const confirmed = await submit(client, setup, { code: codeAt(keyOf(setup), host.clock), name })
    const settings = await client.page('/2fa')
    t.ok(textOf(settings).includes(`${name} last used`), name)
    const password = await signIn(host)
    for (const page of [setup, confirmed, settings, await password.page('/2fa/verify'), await password.page('/2fa/recover'), await new Client(host.app).page('/2fa')]) {
      t.ok(textOf(page).includes(name))
      t.notMatch(page.body.replace(ownScript, ''), /<script|<img|<b>| onerror=alert[^&]*>| onclick='/)
      t.equal(page.body.match(/<\/style>/g)?.length, 1)
    }
    t.equal((await client.get('/2fa')).json<{ authenticators: Array<{ name: string }> }>().authenticators[0]?.name, name, 'in JSON as it is')
  }
})

t.test('I5 whatever the label is, the page stays whole', async t => {
  let label = ''
  const host = await buildHost(t, { getUser: () => ({ id: 'ada', label }) })
  const client = new Client(host.app)
  await fc.assert(fc.asyncProperty(fc.oneof(fc.string({ unit: 'binary' }), fc.array(fc.constantFrom('<', '>', '"', "'", '&', '/', '-->', '</code>', ':', '?', '#', '%')).map(parts => parts.join(''))), async given => {
    label = given
    const { statusCode, body } = await client.page('/2fa/setup')
    return statusCode === 200 && body.split('<form').length === 2 && body.split('<svg').length === 2 && body.split('<').length === body.split('>').length
  }), { numRuns: 200 })
})

t.test('a label that is too long for a QR code is refused, not half shown', async t => {
  const host = await buildHost(t, { getUser: () => ({ id: 'ada', label: 'x'.repeat(5000) }) })
  t.match((await new Client(host.app).page('/2fa/setup')).statusCode, /^[45]/)
})

t.test('the settings page offers what the client may do', async t => {
  const host = await buildHost(t)
  const plain = await signIn(host)
  const off = await plain.page('/2fa')
  t.match(textOf(off), /It is off\./)
  t.ok(linksOf(off).includes('/2fa/setup'))
  t.same(formsOf(off), [])

  const { client, secret } = await enrol(host)
  const password = await signIn(host)
  const closed = await password.page('/2fa')
  t.match(textOf(closed), /It is on\. Enter your code to change it/)
  t.ok(linksOf(closed).includes('/2fa/verify?next=/2fa/'))
  t.notMatch(textOf(closed), /Authenticator app|left/, 'what the user owns is not for somebody who has the password alone')

  const open = await client.page('/2fa')
  t.match(textOf(open), /Authenticators Authenticator app last used January 1, 2026 .* 5 recovery codes left/)
  const forms = [/^\/2fa\/authenticators\/[0-9a-f]{12}\/rename$/, '/2fa/recovery-codes', '/2fa/disable']
  t.match(formsOf(open).map(({ action }) => action), forms)
  t.equal(formsOf(open).length, 3)

  const fresh = await client.form('/2fa/recovery-codes')
  t.match(textOf(fresh), /Your new recovery codes/)
  t.equal(fresh.body.match(/<li><code>/g)?.length, 5)

  const refused = await client.form('/2fa/disable', { code: wrongCode(secret, host.clock) })
  t.equal(refused.statusCode, 401)
  t.match(refused.body, /role="alert">That code is not right/)
  t.match(formsOf(refused).map(({ action }) => action), forms)
  host.clock.advance(30)
  const disabled = await client.form('/2fa/disable', { code: codeAt(secret, host.clock) })
  t.equal(disabled.headers.location, '/2fa/')
  t.match(textOf(await follow(client, disabled)), /It is off\./)
})

t.test('a browser whose pass is missing or too old is sent to its code, and comes back to the settings', async t => {
  const host = await buildHost(t, { loginUrl: '/login' })
  const { client } = await enrol(host)
  const password = await signIn(host)
  host.clock.advance(301)
  t.equal((await client.form('/2fa/recovery-codes')).headers.location, '/2fa/verify?next=%2F2fa%2F&resend=1')
  t.equal((await client.page('/2fa/setup?next=/x')).headers.location, '/2fa/verify?next=%2F2fa%2Fsetup%3Fnext%3D%2Fx')
  t.equal((await password.form('/2fa/disable', { code: '123456' })).headers.location, '/2fa/verify?next=%2F2fa%2F&resend=1')
  t.equal((await new Client(host.app).page('/2fa/verify?next=/x')).headers.location, '/login?next=%2F2fa%2Fverify%3Fnext%3D%2Fx')
  t.equal((await new Client(host.app).form('/2fa/verify', { code: '123456' })).headers.location, '/login?next=%2F2fa%2F')
  const signedOut = await new Client(host.app).form('/2fa/verify', { code: '123456', next: '/x?y=1' })
  t.equal(signedOut.headers.location, '/login?next=%2Fx%3Fy%3D1', 'who signs in again is asked there')
})

t.test('a refusal that no form can show has a page of its own, which leads back', async t => {
  const host = await buildHost(t, { storage: kyselyStorage(await openDatabase()), maxAuthenticators: 1 })
  const nobody = await new Client(host.app).page('/2fa')
  t.equal(nobody.statusCode, 401)
  t.match(textOf(nobody), /Acme This did not work Sign in first\. Back/)
  const crossed = await (await signIn(host)).request({
    method: 'POST', url: '/2fa/recovery-codes', headers: { accept: 'text/html', 'sec-fetch-site': 'cross-site' }
  })
  t.match(textOf(crossed), /This request did not come from this site/)
  const { client } = await enrol(host)
  const setup = await client.page('/2fa/setup')
  const full = await submit(client, setup, { code: codeAt(keyOf(setup), host.clock) })
  t.equal(full.statusCode, 409)
  t.match(textOf(full), /You have as many authenticators as you can have/)
})

t.test('a further authenticator is confirmed without new recovery codes', async t => {
  const host = await buildHost(t)
  const { client } = await enrol(host)
  const setup = await client.page('/2fa/setup?next=/dashboard')
  const added = await submit(client, setup, { code: codeAt(keyOf(setup), host.clock), name: '   ' })
  t.match(textOf(added), /Authenticator added .* Your recovery codes stay as they are/)
  t.ok(linksOf(added).includes('/dashboard'))
  t.equal((await client.get('/2fa')).json<{ authenticators: Array<{ name: string }> }>().authenticators[1]?.name, 'Authenticator app', 'a blank name is none')
})
