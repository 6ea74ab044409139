import { PGlite } from '@electric-sql/pglite'
import type { LightMyRequestResponse } from 'fastify'
import { PGliteDialect } from 'kysely-pglite-dialect'
import type { BrowserContext, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { adminAccount, demoAccount } from '../../demo/accounts.js'
import { connect, migrate } from '../../demo/database.js'
import { violationsOf } from '../helpers/axe.js'
import { openBrowser, withoutBrowser } from '../helpers/browser.js'
import { openDemo, type OpenDemo } from '../helpers/demo.js'
import { Client, codeAt, type Clock } from '../helpers/host.js'

const pglite = new PGlite()
const db = connect(new PGliteDialect(pglite))
t.teardown(() => pglite.close())
await migrate(db)

const unfolded = ['/shown/recovery-codes', '/shown/on/2fa/', '/shown/support']

/** A page as it was sent. */
interface Shown {
  readonly body: string
  readonly policy: string
}

function shown ({ body, headers }: LightMyRequestResponse): Shown {
  return { body, policy: String(headers['content-security-policy']) }
}

/** Sets two-factor up, and passes on a trusted device once it is told to. */
async function enrol (client: Client, clock: Clock) {
  const { secret } = (await client.get('/2fa/setup', { accept: 'application/json' })).json<{ secret: string }>()
  const confirmed = await client.form('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  const passed = async () => {
    clock.advance(30)
    await client.form('/2fa/verify', { code: codeAt(secret, clock), trustDevice: 'on' })
  }
  return { confirmed, passed }
}

/** Each page at a moment that has much to show, by a path of its own. */
async function exhibit ({ app, clock }: OpenDemo): Promise<Map<string, Shown>> {
  const pages = new Map<string, Shown>()
  const client = new Client(app)
  const keep = async (name: string, answer: ReturnType<Client['page']>) => {
    const page = shown(await answer)
    pages.set(`/shown/${name}`, page)
    return page.body
  }
  for (const path of ['/', '/sign-in', '/sign-up', '/how-to', '/phone', '/no-such-page']) {
    await keep(path.slice(1) || 'home', client.page(path))
  }
  await keep('sign-in-problem', client.form('/sign-in', { ...demoAccount, password: 'wrong' }))
  await client.form('/sign-in', { ...demoAccount })
  await keep('dashboard-off', client.page('/dashboard'))
  await keep('setup', client.page('/2fa/setup'))
  const { confirmed, passed } = await enrol(client, clock)
  pages.set('/shown/recovery-codes', shown(confirmed))
  await keep('verify', client.page('/2fa/verify'))
  await passed()
  for (const path of ['/dashboard', '/settings', '/transfer', '/2fa/']) await keep(`on${path}`, client.page(path))
  await keep('sent', client.form('/transfer', { to: 'Bob', amount: '25' }))
  await client.form('/sign-out')

  await client.form('/sign-in', { ...adminAccount })
  await enrol(client, clock)
  const list = await keep('support', client.page('/admin'))
  await keep('support-details', client.page(`/admin/${/[\w-]+(?=">demo@)/.exec(list)?.[0]}`))
  return pages
}

t.test('every page of the demo is accessible, fits, and loads nothing that its policy forbids, in both schemes', {
  skip: withoutBrowser
}, async t => {
  const demo = await openDemo(t, db)
  const pages = await exhibit(demo)
  const origin = await demo.app.listen({ host: '127.0.0.1', port: 0 })
  const browser = await openBrowser(t)
  const context = await browser.newContext({ reducedMotion: 'reduce' })
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', message => { if (message.type() === 'error') complaints.push(message.text()) })
  page.on('pageerror', error => complaints.push(error.message))
  // As they were sent, policy and all, at the origin of what they load.
  await page.route('**/shown/**', (route, request) => {
    const { body = '', policy = '' } = pages.get(new URL(request.url()).pathname) ?? {}
    return route.fulfill({ body, contentType: 'text/html; charset=utf-8', headers: { 'content-security-policy': policy } })
  })

  t.equal(pages.size, 18)
  for (const path of pages.keys()) {
    await page.goto(origin + path + (path.endsWith('/phone') ? `#${encodeURIComponent('otpauth://totp/Acme:Ada?secret=JBSWY3DPEHPK3PXP')}` : ''))
    t.equal(await page.locator('h1').count(), 1, path)
    t.equal(await page.evaluate('getComputedStyle(document.body).fontFamily.split(",")[0]'), 'Inter', `${path} has its style`)
    // The panel is made of the same parts everywhere, so once with all of it is enough.
    if (unfolded.includes(path)) await page.evaluate('for (const details of document.querySelectorAll("details")) details.open = true')
    for (const [width, colorScheme] of [[320, 'light'], [1280, 'dark']] as const) {
      await page.setViewportSize({ width, height: 800 })
      await page.emulateMedia({ colorScheme })
      t.equal(await page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth'), 0, `${path} ${width}`)
      t.same(await violationsOf(page, { all: colorScheme === 'light' }), [], `${path} ${width} ${colorScheme}`)
    }
  }
  t.same(complaints, [])
})

t.test('by keyboard alone: past the header, in order, and the panel folds and stays folded', { skip: withoutBrowser }, async t => {
  const { app } = await openDemo(t, db)
  const browser = await openBrowser(t)
  const context = await browser.newContext({ baseURL: await app.listen({ host: '127.0.0.1', port: 0 }) })
  const page = await context.newPage()
  await page.goto('/sign-in')
  const focused = () => page.evaluate('document.activeElement.innerText || document.activeElement.id') as Promise<string>
  await page.keyboard.press('Tab')
  t.equal(await focused(), 'Skip to the page')
  t.ok(((await page.locator('.skip').boundingBox())?.y ?? -1) >= 0, 'it is to be seen then')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Tab')
  t.equal(await focused(), 'email')

  await page.locator('.panel > details > summary').focus()
  await page.keyboard.press('Enter')
  t.notOk(await page.getByText('Your rows').isVisible())
  await page.goto('/sign-up')
  t.notOk(await page.getByText('Your rows').isVisible(), 'also on the next page')
  await page.locator('.panel > details > summary').focus()
  await page.keyboard.press('Space')
  t.ok(await page.getByText('Your rows').isVisible())
  await clipboard(t, context, page)
})

/** What stands on the page of what to copy can be copied. */
async function clipboard (t: Test, context: BrowserContext, page: Page): Promise<void> {
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.goto('/how-to')
  await page.getByRole('button', { name: 'Copy: The plugin' }).first().click()
  t.match(await page.evaluate('navigator.clipboard.readText()'), /^await app\.register\(twoFactor, \{\n {2}issuer: 'Session App',/)
}
