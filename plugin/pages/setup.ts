import type { PendingSetup } from '../service/setup.js'
import { html, trusted } from './html.js'
import { codeField, layout, nextField, problemBox, type FormState, type Site } from './layout.js'

/** The page with the QR code and the field for the first code. */
export function setupPage (
  site: Site, state: FormState & { pending: PendingSetup, digits: number, label: string }
): string {
  const { pending, digits } = state
  return layout(site, 'Set up two-factor authentication', html`
${problemBox(state.problem)}
<p>Scan this with the authenticator app on your phone. It then shows a new code every few seconds.</p>
<div class="qr">${trusted(pending.qrSvg)}</div>
<details>
<summary>Cannot scan it?</summary>
<p>Enter this key in the app, for the account ${state.label}:</p>
<code class="key" id="key">${pending.secret.match(/.{1,4}/g)?.join(' ')}</code>
<p><a href="${pending.uri}">Or open it in an app on this device</a></p>
</details>
<form method="post" action="${site.base}/setup/confirm">
${codeField(state, digits)}
<label for="name">Name of the device <small>(optional)</small></label>
<input id="name" name="name" maxlength="64" autocomplete="off" placeholder="My phone">
${nextField(state.next)}
<button>Turn on</button>
</form>`)
}

/** The one time that recovery codes are shown. */
export function recoveryCodesPage (
  site: Site, { codes, next, title }: { codes: readonly string[], next: string | undefined, title: string }
): string {
  return layout(site, title, html`
<p>Keep these recovery codes somewhere safe, such as a password manager or on paper. Each one gets you in once when
you do not have your phone.</p>
<ul class="codes">${codes.map(code => html`<li><code>${code}</code></li>`)}</ul>
<p class="note">They are shown only now.</p>
<a class="button" href="${next ?? site.defaultRedirect}">I have saved them</a>`)
}

/** Shown after a further authenticator was added. */
export function authenticatorAddedPage (site: Site, { next }: { next: string | undefined }): string {
  return layout(site, 'Authenticator added', html`
<p>You can sign in with its codes from now on. Your recovery codes stay as they are.</p>
<a class="button" href="${next ?? site.defaultRedirect}">Continue</a>`)
}
