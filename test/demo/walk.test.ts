import jsqr from 'jsqr'
import { URI, type TOTP } from 'otpauth'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { PNG } from 'pngjs'
import t, { type Test } from 'tap'
import { adminAccount, demoAccount } from '../../demo/accounts.js'
import type { DemoConfig } from '../../demo/config.js'
import { openBrowser, withoutBrowser } from '../helpers/browser.js'
import { openDemo, openDemoDatabase, type OpenDemo } from '../helpers/demo.js'
import { startPostgres } from '../helpers/postgres.js'

const postgres = await startPostgres(t)

interface Walk extends OpenDemo {
  readonly browser: Browser
  readonly origin: string
}

/** The demo, on PostgreSQL, and a browser in front of it. */
async function setUp (t: Test, verifier: DemoConfig['verifier'] = 'local'): Promise<Walk> {
  const demo = await openDemo(t, await openDemoDatabase(t, postgres), { verifier })
  const origin = await demo.app.listen({ host: '127.0.0.1', port: 0 })
  return { ...demo, origin, browser: await openBrowser(t) }
}

/** A person's browser. Whatever it asks for elsewhere is noted. */
async function open (
  { browser, origin }: Walk, elsewhere: string[], options: BrowserContextOptions = {}
): Promise<Page> {
  const context = await browser.newContext({ baseURL: origin, ...options })
  const page = await context.newPage()
  page.on('request', request => {
    if (new URL(request.url()).origin !== origin) elsewhere.push(request.url())
  })
  return page
}

/** What a phone's camera sees, held at the page. */
async function scan (page: Page): Promise<TOTP> {
  const picture = await page.getByRole('img', { name: /^QR code for/ }).screenshot()
  const { data, width, height } = PNG.sync.read(picture)
  const found = jsqr.default(new Uint8ClampedArray(data), width, height)
  if (!found) throw new Error('No QR code on the page')
  return URI.parse(found.data) as TOTP
}

async function enter (page: Page, code: string): Promise<void> {
  await page.getByLabel(/^Code (from your authenticator app|that the app shows now)/).fill(code)
  await page.getByRole('button', { name: /Turn on|Continue/ }).click()
}

async function signIn (page: Page, email: string, password: string): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()

const checkers = [
  ['local', /checked in this process\.$/, []],
  ['api', /checked by the AuthenticatorAPI-compatible server at http:\/\/127\.0\.0\.1:\d+\.$/, ['/pair.aspx', '/Validate.aspx']]
] as const
for (const [verifier, words, paths] of checkers) {
  t.test(`a person walks from sign-up to a lost phone, with --verifier=${verifier}`, { skip: withoutBrowser }, async t => {
    const walk = await setUp(t, verifier)
    const page = await walkThrough(t, walk)
    await page.goto('/')
    t.match((await page.locator('footer').innerText()).trim(), words, 'the page says what checks the codes')
    t.same([...new Set(walk.asked)], paths, 'and that was asked')
  })
}

/** From no account to two-factor turned off again. */
async function walkThrough (t: Test, walk: Walk): Promise<Page> {
  const { clock } = walk
  const elsewhere: string[] = []
  // Without JavaScript, so that nothing depends on it.
  const page = await open(walk, elsewhere, { javaScriptEnabled: false })
  const [email, password] = ['ada@example.com', 'a password of many words']

  await page.goto('/')
  await page.goto('/sign-up')
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  t.equal(await heading(page), 'Dashboard', 'the password is enough at first')
  t.match(await page.locator('.note').innerText(), /Without it you can go on until \d{4}-\d\d-\d\d: 14 days left\./)

  await page.getByRole('link', { name: 'Set up two-factor authentication' }).click()
  const phone = await scan(page)
  t.match(phone, { issuer: 'Acme Bank', label: email })
  t.equal(await page.locator('#key').textContent().then(key => key?.replaceAll(' ', '')), phone.secret.base32)
  await page.reload()
  t.equal((await scan(page)).secret.base32, phone.secret.base32, 'the page can be loaded again')

  await enter(page, '000000')
  t.match(await page.getByRole('alert').textContent(), /not right/)
  t.equal((await scan(page)).secret.base32, phone.secret.base32, 'a wrong code changes nothing')
  await page.getByLabel('Name of the device').fill('My <b>phone</b>')
  await enter(page, phone.generate({ timestamp: clock() }).replace(/^(\d{3})/, '$1 '))
  t.equal(await heading(page), 'Two-factor authentication is on')
  const codes = await page.locator('.codes code').allTextContents()
  t.equal(codes.length, 10)
  await page.getByLabel('I have saved them').check()
  await page.getByRole('link', { name: 'Continue' }).click()
  t.equal(await heading(page), 'Dashboard')
  t.match(await page.locator('.note').textContent(), `Your codes are checked ${walk.checker.where()}.`)

  await page.getByRole('button', { name: 'Sign out' }).click()
  await signIn(page, email, password)
  t.equal(await heading(page), 'Enter your code', 'the dashboard asks')
  t.match(page.url(), /next=%2Fdashboard/)
  await enter(page, phone.generate({ timestamp: clock() }))
  t.match(await page.getByRole('alert').textContent(), /not right/, 'the code of the setup is used')
  clock.advance(30)
  await enter(page, phone.generate({ timestamp: clock() }))
  t.equal(await heading(page), 'Dashboard')

  await page.goto('/transfer')
  t.equal(await heading(page), 'Transfer')
  clock.advance(600)
  await page.getByLabel('To').fill('Bob')
  await page.getByLabel('Amount in €').fill('25')
  await page.getByRole('button', { name: 'Send' }).click()
  t.equal(await heading(page), 'Enter your code', 'a pass of ten minutes ago is too old')
  t.match(await page.locator('.note').textContent(), /send it again/)
  await enter(page, phone.generate({ timestamp: clock() }))
  t.equal(await heading(page), 'Transfer', 'and leads back to the form')
  await page.getByLabel('To').fill('Bob')
  await page.getByLabel('Amount in €').fill('25')
  await page.getByRole('button', { name: 'Send' }).click()
  t.match(await page.getByRole('status').textContent(), /on their way to Bob/)

  await page.goto('/2fa/')
  t.match(await page.locator('dl').first().innerText(), /My <b>phone<\/b>/, 'a name is shown as it was typed')
  await page.getByRole('button', { name: 'Sign out' }).count()
  await page.goto('/dashboard')
  await page.getByRole('button', { name: 'Sign out' }).click()

  await signIn(page, email, password)
  await page.getByRole('link', { name: 'Use a recovery code' }).click()
  await page.getByLabel('Recovery code', { exact: true }).fill(codes[4]?.toLowerCase() ?? '')
  await page.getByRole('button', { name: 'Continue' }).click()
  t.match(await page.getByRole('status').textContent(), /You have 9 recovery codes left/)
  await page.getByRole('button', { name: 'Make new recovery codes' }).click()
  t.equal(await heading(page), 'Your new recovery codes')
  await page.goto('/dashboard')
  t.equal(await heading(page), 'Dashboard')

  await page.goto('/2fa/')
  clock.advance(30)
  await page.getByLabel('Code from your authenticator app').fill(phone.generate({ timestamp: clock() }))
  await page.getByRole('button', { name: 'Turn off' }).click()
  t.match(await page.locator('main').innerText(), /It is off/)
  t.same(elsewhere, [], 'A5 nothing was asked of another site')
  return page
}

t.test('a person trusts a device, and takes that back', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const { clock } = walk
  const page = await open(walk, [], { javaScriptEnabled: false })
  const [email, password] = ['grace@example.com', 'a password of many words']
  await page.goto('/sign-up')
  await page.getByLabel('E-mail').fill(email)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Create account' }).click()
  await page.goto('/2fa/setup')
  const phone = await scan(page)
  await enter(page, phone.generate({ timestamp: clock() }))
  const signInAgain = async () => {
    clock.advance(30)
    await page.goto('/dashboard')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await signIn(page, email, password)
  }

  await signInAgain()
  t.equal(await heading(page), 'Enter your code')
  // Of after the setup, which has used all before.
  clock.advance(600)
  await enter(page, phone.generate({ timestamp: clock() - 300_000 }))
  t.match(await page.getByRole('alert').textContent(), /The clock of your phone seems to be about 5 minutes behind/)
  await page.getByLabel('Do not ask again on this device for 30 days').check()
  await enter(page, phone.generate({ timestamp: clock() }))
  t.equal(await heading(page), 'Dashboard')
  await signInAgain()
  t.equal(await heading(page), 'Dashboard', 'not asked')

  await page.goto('/transfer')
  t.equal(await heading(page), 'Enter your code', 'but for a transfer')

  await page.goto('/2fa/')
  t.match(await page.locator('main').innerText(), /Trusted devices[^]*\(this device\)/)
  t.match(await page.locator('main').innerText(), /Recent activity[^]*A device was trusted[^]*An authenticator was added/)
  await page.getByRole('button', { name: 'Revoke all' }).click()
  t.match(await page.locator('main').innerText(), /Enter your code to change it/, 'what it was let in to is shut at once')
  await page.goto('/dashboard')
  t.equal(await heading(page), 'Enter your code', 'asked again')
})

t.test('support sees who is locked out, unlocks and resets', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const { clock } = walk
  const page = await open(walk, [], { javaScriptEnabled: false })
  await signIn(page, adminAccount.email, adminAccount.password)
  t.equal(await heading(page), 'Set up two-factor authentication', 'the bank insists on it for its staff')
  await page.goto('/admin')
  t.equal(await heading(page), 'Set up two-factor authentication')
  const phone = await scan(page)
  await enter(page, phone.generate({ timestamp: clock() }))
  await page.getByLabel('I have saved them').check()
  await page.getByRole('link', { name: 'Continue' }).click()
  t.equal(await heading(page), 'Support')

  const other = await open(walk, [], { javaScriptEnabled: false })
  await signIn(other, adminAccount.email, adminAccount.password)
  for (let attempt = 0; attempt < 6; attempt++) await enter(other, '000000')
  t.match(await other.getByRole('alert').textContent(), /Too many wrong codes/)
  await page.reload()
  t.match(await page.locator('table').innerText(), /locked/)
  await page.getByRole('button', { name: 'Unlock' }).click()
  t.notMatch(await page.locator('table').innerText(), /locked/)
  clock.advance(30)
  await other.goto('/dashboard')
  await enter(other, phone.generate({ timestamp: clock() }))
  t.equal(await heading(other), 'Dashboard')

  await page.getByRole('button', { name: 'Reset' }).click()
  t.equal(await heading(page), 'Set up two-factor authentication', 'also for the one who asked')
})

t.test('the QR code scans in dark mode, and the demo phone takes the key over and shows its codes', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const elsewhere: string[] = []
  const page = await open(walk, elsewhere, { colorScheme: 'dark', viewport: { width: 375, height: 800 } })
  await signIn(page, demoAccount.email, demoAccount.password)
  await page.goto('/2fa/setup')
  const phone = await scan(page)
  await page.getByText('Cannot scan it?').click()
  const typed = await page.locator('#key').innerText()

  const [demo] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', { name: /demo phone$/ }).first().click()])
  const code = demo.locator('.code')
  await code.waitFor()
  t.equal(new URL(demo.url()).hash, '', 'the key is gone from the address')
  await demo.reload()
  t.equal(await code.count(), 1, 'and on the phone')
  const shown = async () => await code.first().getAttribute('data-code') ?? ''
  const before = phone.generate()
  t.ok([before, phone.generate()].includes(await shown()), 'as another library computes it')
  for (const key of [typed, phone.toString()]) {
    await demo.getByLabel(/Key/).fill(key)
    await demo.getByRole('button', { name: 'Add account' }).click()
  }
  t.equal(await code.count(), 3)
  await demo.getByLabel(/Key/).fill('not a key!')
  await demo.getByRole('button', { name: 'Add account' }).click()
  t.match(await demo.getByRole('alert').textContent(), /no key/)
  await demo.getByRole('button', { name: 'Remove' }).first().click()
  t.equal(await code.count(), 2)

  walk.clock.advance((Date.now() - walk.clock()) / 1000)
  // It is sent as soon as it is complete.
  await page.getByLabel('Code that the app shows now').fill(await shown())
  await page.getByRole('heading', { name: 'Two-factor authentication is on' }).waitFor()
  t.same(elsewhere, [])
})

t.test('a person moves to a new phone: adds it, renames the old one and removes it, without JavaScript', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const { clock } = walk
  const elsewhere: string[] = []
  const page = await open(walk, elsewhere, { javaScriptEnabled: false, viewport: { width: 375, height: 800 } })
  await signIn(page, demoAccount.email, demoAccount.password)
  await page.goto('/2fa/setup')
  const old = await scan(page)
  await page.getByLabel('Name of the device').fill('Phone')
  await enter(page, old.generate({ timestamp: clock() }))
  clock.advance(30)

  await page.goto('/2fa/')
  await page.getByText('Rename').click()
  await page.getByLabel('New name').fill('Old phone')
  await page.getByRole('button', { name: 'Save' }).click()
  t.match(await page.locator('dl').first().innerText(), /^Old phone\s+last used \w+ \d+, \d{4} · added \w+ \d+, \d{4}/)

  clock.advance(300)
  await page.getByRole('link', { name: 'Add an authenticator' }).click()
  t.equal(await heading(page), 'Enter your code', 'the pass is too old for that')
  await enter(page, old.generate({ timestamp: clock() }))
  const fresh = await scan(page)
  t.not(fresh.secret.base32, old.secret.base32)
  await page.getByLabel('Name of the device').fill('New phone')
  await enter(page, fresh.generate({ timestamp: clock() }))
  t.equal(await heading(page), 'Authenticator added')

  await page.goto('/2fa/')
  t.strictSame(await page.locator('dl').first().locator('dt').allInnerTexts(), ['Old phone', 'New phone'])
  t.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'it fits on a phone')
  clock.advance(301)
  await page.getByRole('link', { name: 'Remove Old phone' }).click()
  await enter(page, fresh.generate({ timestamp: clock() }))
  t.equal(await heading(page), 'Remove this authenticator?', 'the code leads back to the question')
  await page.getByRole('link', { name: 'Keep it' }).click()
  t.equal(await page.locator('dl').first().locator('dt').count(), 2)
  await page.getByRole('link', { name: 'Remove Old phone' }).click()
  await page.getByRole('button', { name: 'Remove' }).click()
  t.strictSame(await page.locator('dl').first().locator('dt').allInnerTexts(), ['New phone'])

  clock.advance(30)
  const other = await open(walk, elsewhere, { javaScriptEnabled: false })
  await signIn(other, demoAccount.email, demoAccount.password)
  await other.goto('/2fa/verify?next=/dashboard')
  await enter(other, old.generate({ timestamp: clock() }))
  t.match(await other.getByRole('alert').textContent(), /not right/, 'the old phone is worth nothing')
  await enter(other, fresh.generate({ timestamp: clock() }))
  t.equal(await heading(other), 'Dashboard')

  await page.getByRole('link', { name: 'Remove New phone' }).click()
  t.equal(await heading(page), 'Turn two-factor authentication off?')
  await page.getByRole('button', { name: 'Remove it and turn off' }).click()
  t.match(await page.locator('main').innerText(), /It is off/)
  t.same(elsewhere, [])
})
