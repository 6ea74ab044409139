import Fastify from 'fastify'
import jsqr from 'jsqr'
import type { Page } from 'playwright-core'
import { PNG } from 'pngjs'
import t, { type Test } from 'tap'
import { violationsOf } from '../helpers/axe.js'
import { openBrowser, withoutBrowser } from '../helpers/browser.js'
import { kyselyStorage } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { buildHost, codeAt, enrol, signIn, wrongCode, type Host, type HostOptions } from '../helpers/host.js'
import { everyPage } from './gallery.js'

const widths = [320, 1280]
const schemes = ['light', 'dark'] as const

/** What the browser complained about, such as what the policy of a page refused. */
function complaintsOf (page: Page): string[] {
  const complaints: string[] = []
  page.on('console', message => {
    // Browsers ask for an icon, which this host does not have, and report answers that refuse.
    const said = `${message.text()} ${message.location().url}`
    if (message.type() === 'error' && !/favicon\.ico|status of 4\d\d/.test(said)) complaints.push(said)
  })
  page.on('pageerror', error => complaints.push(error.message))
  return complaints
}

/** Serves every page as it was sent, policy and all, at `/language/name`. */
async function exhibit (t: Test, languages: readonly string[]) {
  const app = Fastify({ exposeHeadRoutes: false })
  t.teardown(() => app.close())
  const names: string[] = []
  const script = (await (await buildHost(t)).app.inject('/2fa/page.js')).body
  app.get('/2fa/page.js', async (_request, reply) => reply.type('text/javascript').send(script))
  for (const language of languages) {
    for (const [name, { body, headers }] of await everyPage(t, language)) {
      const path = `/${language}/${name.replace(/\W+/g, '-')}`
      names.push(path)
      app.get(path, async (_request, reply) => reply
        .headers({ 'content-type': headers['content-type'], 'content-security-policy': headers['content-security-policy'] })
        .send(body))
    }
  }
  return { origin: await app.listen({ host: '127.0.0.1', port: 0 }), names }
}

const overflowOf = (page: Page) => page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')

t.test('every page is accessible and fits, in both schemes, at both widths, in English and Arabic, with and without scripts', {
  skip: withoutBrowser
}, async t => {
  const browser = await openBrowser(t)
  const { origin, names } = await exhibit(t, ['en', 'ar'])
  t.equal(names.length, 2 * 19)

  for (const scripts of [true, false]) {
    const context = await browser.newContext({ javaScriptEnabled: scripts, reducedMotion: 'reduce' })
    const page = await context.newPage()
    const complaints = complaintsOf(page)
    for (const name of names) {
      await page.goto(origin + name)
      t.equal(await page.locator('html').getAttribute('dir'), name.startsWith('/ar') ? 'rtl' : 'ltr')
      t.equal(await page.locator('h1').count(), 1, name)
      for (const details of await page.locator('details').all()) await details.locator('summary').click()
      for (const width of widths) {
        await page.setViewportSize({ width, height: 800 })
        t.equal(await overflowOf(page), 0, `${name} ${width}`)
        for (const colorScheme of scripts ? schemes : []) {
          await page.emulateMedia({ colorScheme })
          const all = width === 320 && colorScheme === 'light'
          t.same(await violationsOf(page, { all }), [], `${name} ${width} ${colorScheme}`)
        }
      }
      if (scripts) t.equal(await page.evaluate('document.getAnimations().length'), 0, `${name}: nothing moves`)
    }
    t.same(complaints, [], 'nothing was refused by the policy of the page')
    await context.close()
  }
})

t.test('the QR code scans in both schemes', { skip: withoutBrowser }, async t => {
  const browser = await openBrowser(t)
  const { origin } = await exhibit(t, ['ja'])
  for (const colorScheme of schemes) {
    const context = await browser.newContext({ colorScheme, viewport: { width: 320, height: 800 } })
    const page = await context.newPage()
    await page.goto(`${origin}/ja/setup`)
    const { data, width, height } = PNG.sync.read(await page.screenshot({ fullPage: true }))
    const key = (await page.locator('#key').textContent() ?? '').replaceAll(' ', '')
    t.match(jsqr.default(new Uint8ClampedArray(data), width, height)?.data, `secret=${key}`, colorScheme)
    await context.close()
  }
})

/** A host on loopback with an enrolled user, and a page of a browser that is signed in. */
async function open (t: Test, options: HostOptions = {}, { scripts = true, locale = 'en' } = {}) {
  const viewport = { width: 320, height: 700 }
  const host = await buildHost(t, options)
  const { secret } = await enrol(host)
  host.clock.advance(30)
  const origin = await host.app.listen({ host: '127.0.0.1', port: 0 })
  const browser = await openBrowser(t)
  const context = await browser.newContext({ javaScriptEnabled: scripts, locale, viewport })
  const page = await context.newPage()
  await context.request.post(`${origin}/login/ada`)
  const complaints = complaintsOf(page)
  return { ...host, secret, origin, context, page, complaints }
}

t.test('a code is sent when it is complete, typed or pasted with a space, and each form once', { skip: withoutBrowser }, async t => {
  const sent: string[] = []
  const { page, secret, clock, origin, complaints } = await open(t, {
    before: app => app.addHook('onRequest', async ({ method, url }) => {
      if (method === 'POST' && url.startsWith('/2fa')) sent.push(url)
    })
  })
  sent.length = 0
  await page.goto(`${origin}/2fa/verify?next=/dashboard`)
  t.equal(await page.evaluate('document.activeElement.id'), 'code', 'the field has the focus')
  t.equal(await page.getByText('It is sent as soon as it is complete.').isVisible(), true)
  await page.keyboard.type(wrongCode(secret, clock).slice(0, 5))
  t.same(sent, [])
  await page.keyboard.type('x')
  t.same(sent, [], 'six characters are not six digits')
  await page.keyboard.press('Backspace')
  await page.keyboard.type(wrongCode(secret, clock).slice(5))
  await page.getByRole('alert').waitFor()
  t.same(sent, ['/2fa/verify'])
  const field = page.getByLabel('Code from your authenticator app')
  t.equal(await field.getAttribute('aria-invalid'), 'true')
  t.equal(await page.evaluate('document.activeElement.id'), 'code', 'and it has the focus again')
  const ids = (await field.getAttribute('aria-describedby') ?? '').split(' ')
  t.match(await Promise.all(ids.map(id => page.locator(`#${id}`).textContent())), [/That code is not right/, /It is sent as soon as/])

  const code = codeAt(secret, clock)
  // As a paste does, and once more.
  await field.evaluate((input: { value: string, dispatchEvent: (event: Event) => void }, pasted) => {
    input.value = pasted
    input.dispatchEvent(new Event('input'))
    input.dispatchEvent(new Event('input'))
  }, `${code.slice(0, 3)} ${code.slice(3)}`)
  await page.waitForURL('**/dashboard')
  t.equal(sent.length, 2)

  await t.test('pressed twice, it is sent once', async t => {
    sent.length = 0
    let release: () => void = () => {}
    const held = new Promise<void>(resolve => { release = resolve })
    await page.route('**/2fa/recovery-codes', async route => {
      await held
      await route.continue()
    })
    await page.goto(`${origin}/2fa/`)
    const button = page.getByRole('button', { name: 'Make new recovery codes' })
    t.equal(await button.evaluate((element: { click: () => void, ariaDisabled: string | null }) => {
      element.click()
      element.click()
      element.click()
      return element.ariaDisabled
    }), 'true')
    release()
    await page.locator('#codes').waitFor()
    t.same(sent, ['/2fa/recovery-codes'])
  })
  t.same(complaints, [])
})

t.test('without scripts the button sends, and nothing promises more', { skip: withoutBrowser }, async t => {
  const { page, secret, clock, origin } = await open(t, {}, { scripts: false })
  await page.goto(`${origin}/2fa/verify?next=/dashboard`)
  t.equal(await page.getByText('It is sent as soon as it is complete.').isVisible(), false)
  await page.keyboard.type(codeAt(secret, clock))
  await page.keyboard.press('Enter')
  await page.waitForURL('**/dashboard')
})

t.test('a code is not sent by itself where its length does not tell that it is complete', async t => {
  const storage = kyselyStorage(await openDatabase())
  const host = await buildHost(t, { storage })
  const { secret } = await enrol(host)
  // The same users, after the host went over to longer codes.
  const longer = await buildHost(t, { storage, digits: 8, clock: host.clock })
  const page = async (host: Host) => (await (await signIn(host)).page('/2fa/verify')).body
  for (const each of [host, longer]) t.match(await page(each), 'data-complete="6"')

  const client = await signIn(longer)
  host.clock.advance(30)
  t.equal((await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })).statusCode, 200)
  const { secret: second } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const code = codeAt(second, host.clock, 0, 'SHA1', 8)
  t.equal((await client.post('/2fa/setup/confirm', { code })).statusCode, 200)
  for (const each of [host, longer]) t.notMatch(await page(each), 'data-complete')
})

t.test('a lock counts down, and says when it is over', { skip: withoutBrowser }, async t => {
  const { page, secret, clock, origin, complaints } = await open(t, {}, { locale: 'de' })
  await page.clock.install()
  await page.goto(`${origin}/2fa/verify?next=/dashboard`)
  for (let count = 0; count < 6; count++) {
    await page.getByRole('textbox').fill(wrongCode(secret, clock))
    await page.getByRole('alert').waitFor()
    await page.waitForLoadState()
  }
  const problem = page.getByRole('alert')
  await page.locator('[data-countdown]').waitFor()
  t.match(await problem.textContent(), /1 Minute|60 Sekunden/)
  await page.clock.fastForward(31_000)
  t.match(await problem.textContent(), /\b2\d Sekunden/)
  t.equal(await problem.getAttribute('aria-live'), 'off', 'it is not read out every second')
  await page.clock.fastForward(31_000)
  await page.getByRole('status').waitFor()
  t.equal(await problem.isVisible(), false)
  clock.advance(60)
  await page.getByRole('link').click()
  await page.waitForURL('**/2fa/verify?next=%2Fdashboard')
  t.same(complaints, [])
})
