import { PGlite } from '@electric-sql/pglite'
import { PGliteDialect } from 'kysely-pglite-dialect'
import { randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TOTP } from 'otpauth'
import type { Page } from 'playwright-core'
import { demoAccount } from '../demo/accounts.js'
import { buildApp } from '../demo/app.js'
import { openChecker } from '../demo/checker.js'
import { connect, migrate } from '../demo/database.js'
import { launchBrowser } from './helpers/browser.js'
import { withPalette } from './helpers/palette.js'

// Takes the pictures of the docs into docs/images, or into the folder that is given: the pages of the package as the
// demo shows them with --plain, and the dashboard with the guide and the panel beside it.
const folder = process.argv[2] ?? join(import.meta.dirname, '..', 'docs', 'images')
const cleanups: Array<() => unknown> = []
const t = { teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) } }

const looks = [
  { suffix: '', scheme: 'light', width: 1280 },
  { suffix: '-dark', scheme: 'dark', width: 1280 },
  { suffix: '-phone', scheme: 'light', width: 390 },
  { suffix: '-phone-dark', scheme: 'dark', width: 390 }
] as const
type Look = (typeof looks)[number]

// Of a page of the package, the middle is enough; of a long one, the beginning.
const [cropWidth, cropHeight] = [760, 1100]

const browser = await launchBrowser(t)

type Shoot = (page: Page, name: string) => Promise<void>

/** The demo, on a database of its own and at a time that moves when it is told to. */
async function open (panel: boolean) {
  const pglite = new PGlite()
  const db = connect(new PGliteDialect(pglite))
  await migrate(db)
  let now = Date.now()
  const clock = () => now
  const checker = await openChecker({ verifier: 'local', authenticatorApiUrl: undefined }, clock)
  const config = {
    encryptionKeys: [randomBytes(32).toString('base64')], sessionSecret: 'x'.repeat(32), secure: false, passwordCost: 2 ** 10, panel
  }
  const app = await buildApp({ config, db, checker, clock })
  const close = async () => {
    await app.close()
    await checker.close()
    await pglite.close()
  }
  return { baseURL: await app.listen({ host: '127.0.0.1', port: 0 }), clock, advance: () => { now += 30_000 }, close }
}

/** Walks through it. */
async function walk ({ scheme, width }: Look, panel: boolean, shoot: Shoot): Promise<void> {
  const { baseURL, clock, advance, close } = await open(panel)
  const context = await browser.newContext({
    baseURL,
    colorScheme: scheme,
    deviceScaleFactor: width < 600 ? 2 : 1.5,
    viewport: { width, height: 900 },
    locale: 'en',
    // For the font alone.
    bypassCSP: true,
    userAgent: 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
  })
  const page = await context.newPage()
  const press = (button: string) => page.getByRole('button', { name: button }).click()
  const signIn = async () => {
    await page.goto('/sign-in')
    await page.getByLabel('E-mail').fill(demoAccount.email)
    await page.getByLabel('Password').fill(demoAccount.password)
    await press('Sign in')
  }

  await signIn()
  await page.goto('/2fa/setup')
  await shoot(page, 'setup')
  const phone = new TOTP({ secret: (await page.locator('#key').textContent() ?? '').replaceAll(' ', '') })
  const enter = async () => {
    const loaded = page.waitForEvent('load')
    // It is sent as soon as it is complete.
    await page.locator('#code').fill(phone.generate({ timestamp: clock() }))
    await loaded
    advance()
  }
  await page.getByLabel('Name of the device').fill('My phone')
  await enter()
  await shoot(page, 'recovery-codes')
  await page.goto('/dashboard')
  if (await page.getByRole('button', { name: 'Sign out' }).count() > 0) await press('Sign out')
  await signIn()
  await shoot(page, 'verify')
  await page.locator('[name=trustDevice]').check()
  await enter()
  await shoot(page, 'dashboard')
  await page.goto('/2fa/')
  await shoot(page, 'settings')
  await context.close()
  await close()
}

// The demo names it for the pages of the package, which look so where it is installed.
const font = readFileSync(fileURLToPath(import.meta.resolve('@fontsource-variable/inter/files/inter-latin-wght-normal.woff2')))

async function addFont (page: Page): Promise<void> {
  await page.evaluate(`document.fonts.add(new FontFace('Inter', 'url(data:font/woff2;base64,${font.toString('base64')})', { weight: '100 900' }))`)
}

/** The part of a page that is worth a picture. */
async function clipOf (page: Page, { width }: Look, whole: boolean) {
  const height = whole
    ? await page.evaluate('document.documentElement.scrollHeight') as number
    : await page.evaluate('document.querySelector("main").getBoundingClientRect().bottom + 40') as number
  if (whole || width < cropWidth) return { x: 0, y: 0, width, height: Math.min(height, whole ? 900 : cropHeight) }
  return { x: (width - cropWidth) / 2, y: 0, width: cropWidth, height: Math.min(height, cropHeight) }
}

mkdirSync(folder, { recursive: true })
for (const look of looks) {
  for (const panel of [false, true]) {
    await walk(look, panel, async (page, name) => {
      // The dashboard is the host's, and there for the panel; the other pages are there for themselves.
      if ((name === 'dashboard') !== panel) return
      if (!panel) await addFont(page)
      await page.evaluate('document.fonts.ready')
      const picture = await page.screenshot({ fullPage: true, clip: await clipOf(page, look, panel) })
      writeFileSync(join(folder, `${name}${look.suffix}.png`), withPalette(picture))
    })
  }
}
for (const cleanup of cleanups) await cleanup()
process.exit()
