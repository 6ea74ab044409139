import { withQuery } from '../browser.js'
import { html } from './html.js'
import { codeField, invalid, layout, nextField, problemBox, type FormState, type Site } from './layout.js'

/** The page that asks for a code. */
export function verifyPage (site: Site, state: FormState & { digits: number, resend?: boolean }): string {
  return layout(site, 'Enter your code', html`
${problemBox(state.problem)}
${state.resend && html`<p class="note">What you sent was not done yet. Enter your code, then send it again.</p>`}
<form method="post" action="${site.base}/verify">
${codeField(state, state.digits)}
${nextField(state.next)}
<button>Continue</button>
</form>
<p class="more">No phone at hand? <a href="${withQuery(`${site.base}/recover`, { next: state.next })}">Use a recovery code</a></p>`)
}

/** The page that asks for a recovery code. */
export function recoverPage (site: Site, state: FormState): string {
  return layout(site, 'Use a recovery code', html`
${problemBox(state.problem)}
<p>You got these codes when you set up two-factor authentication. Each one works once.</p>
<form method="post" action="${site.base}/recover">
<label for="code">Recovery code</label>
<input class="code" id="code" name="code" autocomplete="off" autocapitalize="characters" required autofocus
 maxlength="64" spellcheck="false"${invalid(state.problem)}>
${nextField(state.next)}
<button>Continue</button>
</form>
<p class="more"><a href="${withQuery(`${site.base}/verify`, { next: state.next })}">Use a code from your app</a></p>`)
}

/** What a user sees after a recovery code was used up. */
export function recoveredPage (site: Site, { left, next }: { left: number | null, next: string | undefined }): string {
  return layout(site, 'You are in', html`
<p class="note" role="status">That recovery code is used up now.${left === null ? '' : ` You have ${left} left.`}</p>
<a class="button" href="${next ?? site.defaultRedirect}">Continue</a>
<h2>Lost your phone?</h2>
<p>Set up your new one, and make new recovery codes, so that you can sign in next time.</p>
<a class="button quiet" href="${site.base}/setup">Set up a new authenticator</a>
<form method="post" action="${site.base}/recovery-codes"><button class="quiet">Make new recovery codes</button></form>`)
}
