import view from '@fastify/view'
import ejs from 'ejs'
import type { FastifyReply } from 'fastify'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import {
  pluralIn, shippedLanguages, type Messages, type PageName, type PageOptions, type TwoFactorOptions,
  type TwoFactorPage
} from '../../plugin/index.js'
import { resolveOptions } from '../../plugin/options.js'
import { buildHost, Client, codeAt, enrol, signIn } from '../helpers/host.js'
import { everyPage } from './gallery.js'

const pageWith = async (t: Test, pages: PageOptions, headers: Record<string, string> = {}, url = '/2fa/verify') => {
  const host = await buildHost(t, { pages })
  await enrol(host)
  const client = await signIn(host)
  client.headers = headers
  return client.page(url)
}

const titleOf = ({ body }: { body: string }) => /<h1>(.*?)<\/h1>/.exec(body)?.[1]
const languageOf = ({ body }: { body: string }) => /<html lang="([^"]*)"/.exec(body)?.[1]

t.test('a host changes name, logo and colours, and the policy lets its logo in', async t => {
  const named = await pageWith(t, { name: 'Acme & Söhne' })
  t.match(named.body, /<header><bdi>Acme &amp; Söhne<\/bdi><\/header>/)
  t.match(named.body, /<title>Enter your code · Acme &amp; Söhne<\/title>/)

  for (const [src, source] of [
    ['/logo.svg', "'self'"], ['https://cdn.example.com/a/logo.png', 'https://cdn.example.com'], ['data:image/png;base64,iVBORw0KGgo=', 'data:']
  ] as const) {
    const { body, headers } = await pageWith(t, { logo: { src, width: 120, height: 40 } })
    t.ok(body.includes(`<header><img src="${src}" alt="Acme" width="120" height="40"></header>`))
    t.match(headers['content-security-policy'], `; img-src ${source}`)
  }

  const { body, headers } = await pageWith(t, {
    theme: { light: { accent: '#7a1fa2' }, dark: { accent: 'hsl(280 60% 80%)' }, font: 'Georgia, serif', radius: '0' }
  })
  t.match(body, '--two-factor-accent:#7a1fa2')
  t.match(body, /@media \(prefers-color-scheme:dark\)\{:root\{[^}]*--two-factor-accent:hsl\(280 60% 80%\)/)
  t.match(body, '--two-factor-font:Georgia, serif;--two-factor-radius:0')
  t.match(headers['content-security-policy'], /style-src 'sha256-/)
  t.match((await pageWith(t, { theme: { scheme: 'dark' } })).body, /:root\{color-scheme:dark;--two-factor-ground:#12151a/)
  t.notMatch((await pageWith(t, { theme: { scheme: 'light' } })).body, /prefers-color-scheme/)
})

t.test('the language is the browser\'s, and replies say so to caches', async t => {
  for (const [header, language] of [
    [undefined, 'en'], ['de', 'de'], ['de-CH, en;q=0.5', 'de'], ['pt-BR', 'pt'], ['pt-PT;q=0.5, fr;q=0.6', 'fr'], ['ja;q=0', 'en'], ['nl, es;q=0.1', 'es'],
    ['*', 'en'], ['tlh', 'en'], ['', 'en'], [';;,=', 'en'], ['de,'.repeat(500), 'en'], ['DE', 'de'], ['constructor', 'en'], ['__proto__', 'en'], ['ar-EG', 'ar']
  ] as const) {
    const page = await pageWith(t, {}, header === undefined ? {} : { 'accept-language': header })
    t.equal(languageOf(page), language, String(header).slice(0, 20))
    t.equal(titleOf(page), shippedLanguages[language]?.verifyTitle)
    t.equal(page.headers['content-language'], language)
    t.match(page.headers.vary, /Accept, Accept-Language/)
  }
  t.match((await pageWith(t, {}, { 'accept-language': 'ar' })).body, /<html lang="ar" dir="rtl">/)
})

t.test('or the host\'s: one for all, or one for each request', async t => {
  const german = await pageWith(t, { language: 'de' }, { 'accept-language': 'fr' })
  t.equal(languageOf(german), 'de')
  t.notMatch(german.headers.vary, /Accept-Language/)

  const language = async (request: { headers: Record<string, unknown> }) => request.headers['x-language'] as string | undefined
  t.equal(languageOf(await pageWith(t, { language }, { 'x-language': 'es-MX', 'accept-language': 'fr' })), 'es')
  t.equal(languageOf(await pageWith(t, { language }, { 'accept-language': 'fr' })), 'fr', 'or the browser\'s again')
  t.equal(languageOf(await pageWith(t, { language: () => { throw new Error('no') } }, { 'accept-language': 'fr' })), 'fr', 'also if it fails')
  t.equal(languageOf(await pageWith(t, { language: () => 7 as unknown as string }, { 'accept-language': 'fr' })), 'fr', 'or answers nonsense')
  t.equal(languageOf(await pageWith(t, { defaultLanguage: 'de' }, { 'accept-language': 'nl' })), 'de')
})

t.test('a host adds a language, and its own words; what is missing is said in another one', async t => {
  const plural = pluralIn('nl')
  const messages: PageOptions['messages'] = {
    nl: {
      verifyTitle: 'Voer je code in',
      recoveryCodesLeft: count => plural(count, { one: 'Nog # herstelcode.', other: 'Nog # herstelcodes.' })
    },
    he: { direction: 'rtl', verifyTitle: 'הזן את הקוד' },
    en: { continue: 'Go on' },
    'pt-PT': { verifyTitle: 'Introduza o código' }
  }
  const dutch = await pageWith(t, { messages }, { 'accept-language': 'nl-BE' })
  t.equal(languageOf(dutch), 'nl')
  t.equal(titleOf(dutch), 'Voer je code in')
  t.match(dutch.body, /<button>Go on<\/button>/, 'English, in the words of the host')

  const german = await pageWith(t, { messages, defaultLanguage: 'de' }, { 'accept-language': 'nl' })
  t.equal(titleOf(german), 'Voer je code in')
  t.match(german.body, shippedLanguages.de?.useAppCode === undefined ? /never/ : `<button>${shippedLanguages.de.continue}</button>`)

  const portuguese = await pageWith(t, { messages }, { 'accept-language': 'pt-PT' })
  t.equal(titleOf(portuguese), 'Introduza o código')
  t.match(portuguese.body, `<button>${shippedLanguages.pt?.continue}</button>`, 'a kind of Portuguese')
  t.match((await pageWith(t, { messages }, { 'accept-language': 'he' })).body, /<html lang="he" dir="rtl">/)
})

t.test('an authenticator without a name is named in the language of the page', async t => {
  const host = await buildHost(t)
  const client = await signIn(host)
  client.headers = { 'accept-language': 'de' }
  const setup = await client.page('/2fa/setup')
  const secret = (/id="key"[^>]*>([^<]*)</.exec(setup.body)?.[1] ?? '').replaceAll(' ', '')
  await client.form('/2fa/setup/confirm', { code: codeAt(secret, host.clock), name: '' })
  t.match(await client.get('/2fa/').then(reply => reply.json<object>()), { authenticators: [{ name: shippedLanguages.de?.unnamedAuthenticator }] })
})

t.test('every page says what it says in the language of the browser', async t => {
  const german = await everyPage(t, 'de')
  for (const [name, { body }] of await everyPage(t, 'en')) {
    const other = german.get(name)?.body ?? ''
    t.equal(languageOf({ body: other }), 'de', name)
    // Each text of the English page that is not a value must be another one in German.
    const texts = [...body.replace(/<head>.*?<\/head>/s, '').matchAll(/>([^<>]+)</g)].map(([, text = '']) => text.trim()).filter(text => /[a-z]{3} [a-z]{2}/.test(text))
    for (const text of texts) {
      if (text.startsWith('Send me a code') || text === 'ada@example.com') continue
      t.notOk(other.includes(`>${text}<`), `${name}: ${text}`)
    }
  }
})

t.test('render makes the whole document, around the content or from the data, for every page', async t => {
  const seen = new Map<PageName, TwoFactorPage>()
  const render = (page: TwoFactorPage, reply: FastifyReply) => {
    seen.set(page.name, page)
    t.equal(reply.request.headers['accept-language'], 'fr')
    if (page.name === 'locked') return `<p>${page.reason} ${page.retryAfter} ${page.retry} ${page.messages.tryAgain}</p>`
    return page.name === 'error' ? undefined : `<html lang="${page.language}"><h9>${page.title}</h9>${page.content}</html>`
  }
  const shown = await everyPage(t, 'fr', { render, contentSecurityPolicy: { 'style-src': ["'self'"], 'img-src': ['https://img.example.com'] } })
  const names: readonly PageName[] = [
    'setup', 'authenticator-added', 'recovery-codes', 'few-recovery-codes', 'verify', 'recover', 'recovered', 'method', 'settings', 'remove-authenticator',
    'locked', 'unavailable', 'error'
  ]
  t.same([...seen.keys()].sort(), [...names].sort(), 'every page that there is')
  t.equal(shown.get('locked')?.body, '<p>account 60 /2fa/verify Réessayer</p>')
  t.match(shown.get('error')?.body, /^<!doctype html>/, 'undefined: the page as it is')
  for (const [name, { body, headers }] of shown) {
    if (name !== 'locked' && name !== 'error') t.match(body, /^<html lang="fr"><h9>.*<\/h9><div class="two-factor" lang="fr" dir="ltr">\n<h1>/, name)
    t.match(headers['content-security-policy'], /style-src 'sha256-\S+' 'self'; .*; img-src https:\/\/img\.example\.com$/)
    t.match(headers, { 'x-frame-options': 'DENY', 'cache-control': 'no-store', 'content-type': 'text/html; charset=utf-8' })
  }
})

t.test('@fastify/view draws the pages, and escapes what it puts in', async t => {
  const root = join(t.testdir(), 'views')
  await mkdir(root)
  await writeFile(join(root, 'layout.ejs'), '<body><h9><%= page.title %></h9><%- page.content %></body>')
  await writeFile(join(root, 'verify.ejs'), '<form method="post" action="<%= page.site.base %>/verify"><input name="code" maxlength="<%= page.digits %>"><%= page.problem %></form>')
  const host = await buildHost(t, {
    before: app => app.register(view, { engine: { ejs }, root }),
    pages: { render: (page, reply) => reply.viewAsync(page.name === 'verify' ? 'verify.ejs' : 'layout.ejs', { page }) }
  })
  await enrol(host)
  const client = await signIn(host)
  t.equal((await client.page('/2fa/verify')).body, '<form method="post" action="/2fa/verify"><input name="code" maxlength="6"></form>')
  const wrong = await client.form('/2fa/verify', { code: '12' })
  t.equal(wrong.statusCode, 400)
  t.match(wrong.body, /That is not a code\. .*<\/form>$/)
  t.match((await client.page('/2fa/recover')).body, /^<body><h9>Use a recovery code<\/h9><div class="two-factor"/)
})

t.test('what fails on the host\'s side takes no page away: recovery codes are shown only once', async t => {
  const fail = (): never => { throw new Error('template') }
  for (const pages of [
    { render: fail }, { render: async () => fail() },
    { render: () => 1 as unknown as string }, { render: () => null as unknown as string },
    { messages: { en: { enterKey: fail, recoveryCodesOf: fail } } }
  ] satisfies PageOptions[]) {
    const lines: string[] = []
    const host = await buildHost(t, { pages, server: { logger: { level: 'error', stream: { write: (line: string) => { lines.push(line) } } } } })
    const client = await signIn(host)
    const setup = await client.page('/2fa/setup')
    t.equal(setup.statusCode, 200)
    const secret = (/id="key"[^>]*>([^<]*)</.exec(setup.body)?.[1] ?? '').replaceAll(' ', '')
    const confirmed = await client.form('/2fa/setup/confirm', { code: codeAt(secret, host.clock) })
    t.equal(confirmed.body.match(/<li><code>/g)?.length, 5)
    t.equal(lines.length, 2)
    t.match(lines[1], /"page":"recovery-codes".*pages\.(render|messages) of fastify-authenticator-2fa failed/)
    t.notMatch(lines.join(''), secret)
  }
})

t.test('a message of the host that fails changes no refusal', async t => {
  const lines: string[] = []
  const clockAhead = () => { throw new Error('template') }
  const server = { logger: { level: 'error', stream: { write: (line: string) => { lines.push(line) } } } }
  const host = await buildHost(t, { pages: { messages: { en: { clockAhead } } }, server })
  const { secret } = await enrol(host)
  host.clock.advance(30)
  const refused = await (await signIn(host)).form('/2fa/verify', { code: codeAt(secret, host.clock, 4) })
  t.equal(refused.statusCode, 401)
  t.match(refused.body, shippedLanguages.en?.clockAhead('2 minutes'))
  t.match(lines, [/"code":"FST_2FA_INVALID_CODE".*pages\.messages of fastify-authenticator-2fa failed/])
})

t.test('forms may lead on to where the host\'s URLs are', async t => {
  const host = await buildHost(t, { defaultRedirect: 'https://app.example.com/home', loginUrl: 'https://id.example.com/login?x=1' })
  t.match((await (await signIn(host)).page('/2fa')).headers['content-security-policy'], "form-action 'self' https://app.example.com https://id.example.com;")
  t.equal((await new Client(host.app).page('/2fa')).statusCode, 303)
})

t.test('a bad option of the pages is refused at the start, and what can end a style sheet is', async t => {
  const required = { issuer: 'Acme', encryptionKeys: [Buffer.alloc(32).toString('base64')], storage: { claimAttempt () {} }, getUser: () => null }
  const resolve = (pages: unknown) => resolveOptions({ ...required, pages } as unknown as TwoFactorOptions)
  for (const [pages, says] of [
    [{ nam: 'x' }, '"pages.nam"'], [{ name: ' ' }, '"pages.name"'], [{ logo: '/logo.svg' }, '"pages.logo"'], [{ logo: { src: 'javascript:alert(1)' } }, '"pages.logo"'],
    [{ logo: { src: '//evil.example/x' } }, '"pages.logo"'], [{ logo: { src: '/x', width: 0 } }, '"pages.logo"'], [{ theme: { light: { accent: 'red}body{display:none' } } }, '"pages.theme.light"'],
    [{ theme: { dark: { acent: 'red' } } }, '"pages.theme.dark"'], [{ theme: { font: '</style><script>' } }, '"pages.theme.font"'], [{ theme: { radius: 4 } }, '"pages.theme.radius"'],
    [{ theme: { scheme: 'night' } }, '"pages.theme.scheme"'], [{ theme: { colours: {} } }, '"pages.theme.colours"'], [{ language: 'not a tag' }, '"pages.language"'],
    [{ defaultLanguage: '' }, '"pages.defaultLanguage"'], [{ messages: { nl: { verifyTitel: 'x' } } }, '"pages.messages"'], [{ messages: { nl: { verifyTitle: () => 'x' } } }, '"pages.messages"'],
    [{ messages: { nl: { lockedFor: 'x' } } }, '"pages.messages"'], [{ messages: { 'n l': {} } }, '"pages.messages"'], [{ messages: null }, '"pages.messages"'], [{ render: 'x' }, '"pages.render"'],
    [{ contentSecurityPolicy: { 'img-src': "'self'" } }, '"pages.contentSecurityPolicy"'], [{ contentSecurityPolicy: { 'img-src': ["'self'; script-src *"] } }, '"pages.contentSecurityPolicy"'],
    [{ contentSecurityPolicy: { 'img src': [] } }, '"pages.contentSecurityPolicy"']
  ] as const) {
    t.throws(() => resolve(pages), { code: 'FST_2FA_BAD_OPTION', message: says }, JSON.stringify(pages))
  }
  const partial: Partial<Messages> = { verifyTitle: 'x' }
  t.match(resolve({ messages: { nl: partial }, logo: { src: 'data:image/svg+xml,x' }, language: () => undefined }).pages, { shown: true })
})
