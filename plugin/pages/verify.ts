import { html } from './html.js'
import { methodForms } from './method.js'
import type { PageData } from './page.js'
import {
  codeField, invalid, newCodesForm, nextField, onTheWay, onward, problemBox, resendNote, type Drawing, type View
} from './parts.js'

/** The page that asks for a code. */
export function verifyPage (view: View, state: PageData['verify']): Drawing {
  const { site, messages } = view
  const { trust, disabled, digits, complete } = state
  return {
    title: messages.verifyTitle,
    body: html`
${problemBox(disabled ? { problem: messages.authenticatorsDisabled } : state)}
${resendNote(state, messages.resendAfterCode)}
<form method="post" action="${onTheWay(`${site.base}/verify`, { resend: state.resend })}">
${trust && trustBox(view, trust)}
${codeField(view, state, { digits, label: messages.codeLabel, focus: true, complete })}
${nextField(state)}
<button>${messages.continue}</button>
</form>
${methodForms(view, state)}
<p class="more">${messages.noPhone} <a href="${onTheWay(`${site.base}/recover`, state)}">${messages.recoverTitle}</a></p>`
  }
}

/** Before the field for the code, since the form may be sent when the code is in. */
function trustBox ({ messages, formats }: View, { ttl, checked }: { readonly ttl: number, readonly checked: boolean }) {
  return html`<p class="choice"><input type="checkbox" id="trust" name="trustDevice" value="on"${checked && html` checked`}>
<label for="trust">${messages.trustDevice(formats.duration(ttl))}</label></p>`
}

/** The page that asks for a recovery code. */
export function recoverPage (view: View, state: PageData['recover']): Drawing {
  const { site, messages } = view
  return {
    title: messages.recoverTitle,
    body: html`
${problemBox(state)}
${resendNote(state, messages.resendAfterRecoveryCode)}
<p>${messages.recoverText}</p>
<form method="post" action="${onTheWay(`${site.base}/recover`, { resend: state.resend })}">
<label for="code">${messages.recoveryCodeLabel}</label>
<input class="code" id="code" name="code" dir="ltr" autocomplete="off" autocapitalize="characters" required autofocus
 maxlength="64" spellcheck="false"${invalid(state)}>
${nextField(state)}
<button>${messages.continue}</button>
</form>
<p class="more"><a href="${onTheWay(`${site.base}/verify`, state)}">${messages.useAppCode}</a></p>`
  }
}

/** What a user sees after a recovery code was used up. */
export function recoveredPage (view: View, { left, ...state }: PageData['recovered']): Drawing {
  const { site, messages } = view
  return {
    title: messages.recoveredTitle,
    body: html`
<p class="note" role="status">${messages.recoveryCodeUsed}${left !== null && ` ${messages.recoveryCodesLeft(left)}`}</p>
${resendNote(state, messages.resendAfterContinue)}
${onward(view, state)}
<h2>${messages.lostPhoneTitle}</h2>
<p>${messages.lostPhoneText}</p>
<a class="button quiet" href="${onTheWay(`${site.base}/setup`, state)}">${messages.setUpAnother}</a>
${newCodesForm(view, { next: state.next, quiet: true })}`
  }
}
