import type { MethodInfo } from '../methods.js'
import { trustBox } from './devices.js'
import { html } from './html.js'
import {
  codeField, invalid, layout, nextField, onTheWay, problemBox, resendNote, type FormState, type Site
} from './layout.js'
import { methodForms } from './method.js'
import { newCodesForm } from './recovery-codes.js'

/** The page that asks for a code. */
export function verifyPage (site: Site, state: FormState & {
  readonly digits: number
  /** Offers to trust the device. */
  readonly trust?: Parameters<typeof trustBox>[0] | undefined
  /** Other ways to pass that the user has. */
  readonly methods?: readonly MethodInfo[]
}): string {
  return layout(site, 'Enter your code', html`
${problemBox(state.problem)}
${resendNote(state, 'Enter your code')}
<form method="post" action="${onTheWay(`${site.base}/verify`, { resend: state.resend })}">
${codeField(state, state.digits)}
${state.trust && trustBox(state.trust)}
${nextField(state.next)}
<button>Continue</button>
</form>
${methodForms(site, state.methods ?? [], state.next)}
<p class="more">No phone at hand? <a href="${onTheWay(`${site.base}/recover`, state)}">Use a recovery code</a></p>`)
}

/** The page that asks for a recovery code. */
export function recoverPage (site: Site, state: FormState): string {
  return layout(site, 'Use a recovery code', html`
${problemBox(state.problem)}
${resendNote(state, 'Enter a recovery code')}
<p>You got these codes when you set up two-factor authentication. Each one works once.</p>
<form method="post" action="${onTheWay(`${site.base}/recover`, { resend: state.resend })}">
<label for="code">Recovery code</label>
<input class="code" id="code" name="code" autocomplete="off" autocapitalize="characters" required autofocus
 maxlength="64" spellcheck="false"${invalid(state.problem)}>
${nextField(state.next)}
<button>Continue</button>
</form>
<p class="more"><a href="${onTheWay(`${site.base}/verify`, state)}">Use a code from your app</a></p>`)
}

/** What a user sees after a recovery code was used up. */
export function recoveredPage (
  site: Site, { left, ...state }: { left: number | null } & Pick<FormState, 'next' | 'resend'>
): string {
  return layout(site, 'You are in', html`
<p class="note" role="status">That recovery code is used up now.${left === null ? '' : ` You have ${left} left.`}</p>
${resendNote(state, 'Continue')}
<a class="button" href="${state.next ?? site.defaultRedirect}">Continue</a>
<h2>Lost your phone?</h2>
<p>Set up your new one, and make new recovery codes, so that you can sign in next time.</p>
<a class="button quiet" href="${onTheWay(`${site.base}/setup`, state)}">Set up a new authenticator</a>
${newCodesForm(site, { next: state.next, quiet: true })}`)
}
