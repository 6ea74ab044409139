import type { AuthenticatorInfo } from '../service/authenticators.js'
import { day } from './day.js'
import { html, type Html } from './html.js'
import { invalid, layout, type FormState, type Site } from './layout.js'

/** Each authenticator of a user, with what can be done to it. */
export function authenticatorList (
  site: Site,
  authenticators: readonly AuthenticatorInfo[],
  { problem, field }: FormState & { readonly field?: string | undefined }
): Html {
  return html`<dl>${authenticators.map(({ id, name, createdAt, lastUsedAt }) => {
    const nameField = nameFieldOf(id)
    const wrong = field === nameField
    return html`
<dt>${name}</dt>
<dd>${lastUsedAt ? html`last used ${day(lastUsedAt)}` : 'not used yet'}, added ${day(createdAt)}
<details${wrong && html` open`}>
<summary aria-label="Rename ${name}">Rename</summary>
<form method="post" action="${pathOf(site, id)}/rename">
<label for="${nameField}">New name</label>
<input id="${nameField}" name="name" value="${name}" required maxlength="64" autocomplete="off"${wrong && invalid(problem)}>
<button class="quiet">Save</button>
</form>
</details>
<a href="${pathOf(site, id)}/remove" aria-label="Remove ${name}">Remove</a></dd>`
  })}</dl>`
}

/** Id of the field for the name of an authenticator. */
export function nameFieldOf (authenticatorId: string): string {
  return `name-${authenticatorId}`
}

/** The page that asks before an authenticator is removed. */
export function removePage (
  site: Site, { authenticator: { id, name }, last }: { authenticator: AuthenticatorInfo, last: boolean }
): string {
  return layout(site, last ? 'Turn two-factor authentication off?' : 'Remove this authenticator?', html`
${last
  ? html`<p class="note">${name} is your only authenticator. Without it two-factor authentication is off: your password alone
signs you in, and your recovery codes are worthless.</p>`
  : html`<p>Codes of ${name} will not be taken any more. Your other authenticators and your recovery codes stay, and on your
other devices you will be asked for a code again.</p>`}
<form method="post" action="${pathOf(site, id)}/remove">
<button>${last ? 'Remove it and turn off' : 'Remove'}</button>
</form>
<p class="more"><a href="${site.base}/">Keep it</a></p>`)
}

function pathOf ({ base }: Site, id: string): string {
  return `${base}/authenticators/${encodeURIComponent(id)}`
}
