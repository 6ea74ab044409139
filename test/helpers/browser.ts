import { existsSync } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'
import type { Test } from 'tap'

const executablePath = process.env.CHROMIUM_PATH ?? ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  .find(path => existsSync(path)) ?? ''

/** Why the browser tests cannot run here, or `false`. In CI they must. */
export const withoutBrowser = executablePath === '' && process.env.CI !== 'true'
  ? 'There is no Chromium here: install it, or say where it is in CHROMIUM_PATH'
  : false

/** A browser of its own, until `t` ends. It looks nothing up elsewhere on its own account. */
export async function launchBrowser (t: Pick<Test, 'teardown'>): Promise<Browser> {
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
      '--disable-component-update', '--disable-sync'
    ]
  })
  t.teardown(() => browser.close())
  return browser
}

let shared: Promise<Browser> | undefined

/** A browser that the tests of a file share: starting one is a second of work. What `t` opens in it ends with `t`. */
export async function openBrowser (t: Pick<Test, 'teardown'>): Promise<Browser> {
  const { default: file } = await import('tap')
  shared ??= launchBrowser(file)
  const browser = await shared
  const others = new Set(browser.contexts())
  t.teardown(async () => {
    for (const context of browser.contexts()) {
      if (!others.has(context)) await context.close()
    }
  })
  return browser
}
