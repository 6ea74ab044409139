import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { adminAccount } from '../demo/accounts.js'
import { launchBrowser } from './helpers/browser.js'
import { openDemo, openDemoDatabase } from './helpers/demo.js'
import { startPostgres } from './helpers/postgres.js'

// Takes the pictures of the docs, or with a folder as argument one of every page, in both schemes and two widths.
const folder = process.argv[2]
const cleanups: Array<() => unknown> = []
const t = { teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) } }

const postgres = await startPostgres(t)
const browser = await launchBrowser(t)

async function walk (scheme: 'light' | 'dark', width: number, shoot: (page: Page, name: string) => Promise<unknown>): Promise<void> {
  const { app, clock } = await openDemo(t, await openDemoDatabase(t, postgres))
  const baseURL = await app.listen({ host: '127.0.0.1', port: 0 })
  const context = await browser.newContext({ baseURL, colorScheme: scheme, viewport: { width, height: 820 } })
  const page = await context.newPage()
  const visit = async (path: string, name: string) => {
    await page.goto(path)
    await shoot(page, name)
  }
  const press = async (button: string | RegExp, name?: string) => {
    await page.getByRole('button', { name: button }).click()
    if (name) await shoot(page, name)
  }
  const code = (text: string) => page.locator('#code').fill(text)

  await visit('/', 'home')
  await visit('/sign-up', 'sign-up')
  await visit('/sign-in', 'sign-in')
  await page.getByLabel('E-mail').fill(adminAccount.email)
  await page.getByLabel('Password').fill(adminAccount.password)
  await press('Sign in')
  await visit('/2fa/', 'settings-off')
  await visit('/2fa/setup', 'setup')
  const secret = ((await page.locator('#key').textContent()) ?? '').replaceAll(' ', '')
  const phone = new TOTP({ secret })
  await page.getByText('Cannot scan it?').click()
  await code('000000')
  await press('Turn on', 'setup-problem')
  await code(phone.generate({ timestamp: clock() }))
  await press('Turn on', 'recovery-codes')
  const recovery = await page.locator('.codes code').first().innerText()
  await visit('/dashboard', 'dashboard')
  await visit('/transfer', 'transfer')
  await visit('/admin', 'admin')
  await visit('/2fa/', 'settings')
  await visit('/phone', 'phone')
  await page.getByLabel(/Key/).fill(phone.toString())
  await press('Add account', 'phone-code')
  await visit('/dashboard', 'dashboard-again')
  await press('Sign out')
  await page.goto('/sign-in')
  await page.getByLabel('E-mail').fill(adminAccount.email)
  await page.getByLabel('Password').fill(adminAccount.password)
  await press('Sign in', 'verify')
  await code('000000')
  await press('Continue', 'verify-problem')
  await visit('/2fa/recover', 'recover')
  await code(recovery)
  await press('Continue', 'recovered')
}

if (folder) {
  mkdirSync(folder, { recursive: true })
  for (const scheme of ['light', 'dark'] as const) {
    for (const width of [1280, 320]) {
      await walk(scheme, width, (page, name) =>
        page.screenshot({ path: join(folder, `${name}-${scheme}-${width}.png`), fullPage: true }))
    }
  }
} else {
  const images = join(import.meta.dirname, '..', 'docs', 'images')
  mkdirSync(images, { recursive: true })
  await walk('light', 640, async (page, name) => {
    if (name === 'setup' || name === 'verify') await page.screenshot({ path: join(images, `${name}.png`), fullPage: true })
  })
}
for (const cleanup of cleanups) await cleanup()
process.exit()
