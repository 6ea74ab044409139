import type { UserRequirement } from '../requirement.js'
import type { PendingSetup } from '../service/setup.js'
import { html, trusted } from './html.js'
import { codeField, layout, nextField, onTheWay, problemBox, resendNote, type FormState, type Site } from './layout.js'
import { requirementNote } from './requirement.js'

/** The page with the QR code and the field for the first code. */
export function setupPage (
  site: Site, state: FormState & {
    readonly pending: PendingSetup
    readonly digits: number
    readonly label: string
    /** What the user has to do. Absent for one who has done it. */
    readonly requirement?: UserRequirement | undefined
  }
): string {
  const { pending, digits } = state
  return layout(site, 'Set up two-factor authentication', html`
${problemBox(state.problem)}
${resendNote(state, 'Set this up')}
${requirementNote(state.requirement)}
<p>Scan this with the authenticator app on your phone. It then shows a new code every few seconds.</p>
<div class="qr">${trusted(pending.qrSvg)}</div>
<details>
<summary>Cannot scan it?</summary>
<p>Enter this key in the app, for the account ${state.label}:</p>
<code class="key" id="key">${pending.secret.match(/.{1,4}/g)?.join(' ')}</code>
<p><a href="${pending.uri}">Or open it in an app on this device</a></p>
</details>
<form method="post" action="${onTheWay(`${site.base}/setup/confirm`, { resend: state.resend })}">
${codeField(state, digits)}
<label for="name">Name of the device <small>(optional)</small></label>
<input id="name" name="name" maxlength="64" autocomplete="off" placeholder="My phone">
${nextField(state.next)}
<button>Turn on</button>
</form>`)
}

/** Shown after a further authenticator was added. */
export function authenticatorAddedPage (site: Site, state: Pick<FormState, 'next' | 'resend'>): string {
  return layout(site, 'Authenticator added', html`
<p>You can sign in with its codes from now on. Your recovery codes stay as they are.</p>
${resendNote(state, 'Continue')}
<a class="button" href="${state.next ?? site.defaultRedirect}">Continue</a>`)
}
