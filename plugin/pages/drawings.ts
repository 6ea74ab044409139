import { removePage } from './authenticators.js'
import { methodPage } from './method.js'
import type { Page } from './page.js'
import type { Drawing, View } from './parts.js'
import { fewCodesPage, recoveryCodesPage } from './recovery-codes.js'
import { errorPage, lockedPage, unavailablePage } from './refusals.js'
import { settingsPage } from './settings.js'
import { authenticatorAddedPage, setupPage } from './setup.js'
import { recoveredPage, recoverPage, verifyPage } from './verify.js'

const drawings: { [Name in Page['name']]: (view: View, page: Extract<Page, { name: Name }>) => Drawing } = {
  setup: setupPage,
  'authenticator-added': authenticatorAddedPage,
  'recovery-codes': recoveryCodesPage,
  'few-recovery-codes': fewCodesPage,
  verify: verifyPage,
  recover: recoverPage,
  recovered: recoveredPage,
  method: methodPage,
  settings: settingsPage,
  'remove-authenticator': removePage,
  locked: lockedPage,
  unavailable: unavailablePage,
  error: errorPage
}

/** Draws a page in a language. */
export function draw (view: View, page: Page): Drawing {
  // Its name says which data it has.
  return (drawings[page.name] as (view: View, page: Page) => Drawing)(view, page)
}
