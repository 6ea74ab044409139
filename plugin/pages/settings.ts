import type { TwoFactorStatus } from '../request.js'
import type { TwoFactorEvent } from '../events.js'
import type { TrustedDevice } from '../request/devices.js'
import { activitySection } from './activity.js'
import { authenticatorList } from './authenticators.js'
import { deviceSection } from './devices.js'
import { html, type Html } from './html.js'
import { codeField, layout, problemBox, type FormState, type Site } from './layout.js'
import { newCodesForm } from './recovery-codes.js'
import { requirementNote } from './requirement.js'

/** What the settings show. */
export interface SettingsState extends FormState {
  readonly status: TwoFactorStatus
  /** Absent without the option `trustedDevices`. */
  readonly devices?: readonly TrustedDevice[] | undefined
  /** Absent without the option `audit`. */
  readonly activity?: readonly TwoFactorEvent[] | undefined
  readonly digits: number
  /** Id of the field that the problem is about. */
  readonly field?: string | undefined
}

/** The page of a user's own two-factor authentication. */
export function settingsPage (site: Site, state: SettingsState): string {
  const { status } = state
  if (!status.enabled) {
    return layout(site, 'Two-factor authentication', html`
${problemBox(state.problem)}
${requirementNote(status)}
<p>It is off. With it, somebody who learns your password still cannot sign in without your phone.</p>
<a class="button" href="${site.base}/setup">Set it up</a>
<p class="more"><a href="${site.defaultRedirect}">Back</a></p>`)
  }
  return layout(site, 'Two-factor authentication', html`
${problemBox(state.problem)}
<p>It is on.</p>
${status.verified ? verified(site, state) : html`<a class="button" href="${site.base}/verify?next=${site.base}/">Enter your code to change it</a>`}
<p class="more"><a href="${site.defaultRedirect}">Back</a></p>`)
}

function verified (site: Site, state: SettingsState): Html {
  const { status: { authenticators, recoveryCodesLeft, required } } = state
  return html`
<h2>Authenticators</h2>
${authenticatorList(site, authenticators ?? [], state)}
<a class="button quiet" href="${site.base}/setup">Add an authenticator</a>
<h2>Recovery codes</h2>
<p>${recoveryCodesLeft} left. New ones replace them.</p>
${newCodesForm(site, { quiet: true })}
${deviceSection(site, state.devices)}
<h2>Turn it off</h2>
${required ? html`<p>Your account has to have it.</p>` : disableForm(site, state)}
${activitySection(state.activity)}`
}

function disableForm (site: Site, state: SettingsState): Html {
  return html`<form method="post" action="${site.base}/disable">
${codeField(state.field === 'code' ? state : {}, state.digits, false)}
<button class="quiet">Turn off</button>
</form>`
}
