import { html, trusted } from './html.js'
import type { PageData } from './page.js'
import {
  codeField, nextField, onTheWay, onward, problemBox, requirementNote, resendNote, type Drawing, type View
} from './parts.js'

/** The page with the QR code and the field for the first code. */
export function setupPage (view: View, state: PageData['setup']): Drawing {
  const { site, messages } = view
  const { pending, digits } = state
  return {
    title: messages.setupTitle,
    body: html`
${problemBox(state)}
${resendNote(state, messages.resendAfterSetup)}
${requirementNote(view, state.requirement)}
<p>${messages.setupScan}</p>
<div class="qr" role="img" aria-label="${messages.qrCode}">${trusted(pending.qrSvg)}</div>
<details>
<summary>${messages.cannotScan}</summary>
<p>${messages.enterKey(state.label)}</p>
<code class="key" id="key" dir="ltr">${pending.secret.match(/.{1,4}/g)?.join(' ')}</code>
<p><a href="${pending.uri}">${messages.openInApp}</a></p>
</details>
<form method="post" action="${onTheWay(`${site.base}/setup/confirm`, { resend: state.resend })}">
<label for="name">${messages.deviceName}</label>
<input id="name" name="name" maxlength="64" autocomplete="off" placeholder="${messages.deviceNameExample}">
${codeField(view, state, { digits, label: messages.setupCode, focus: state.problem !== undefined, complete: true })}
${nextField(state)}
<button>${messages.turnOn}</button>
</form>`
  }
}

/** Shown after a further authenticator was added. */
export function authenticatorAddedPage (view: View, state: PageData['authenticator-added']): Drawing {
  const { messages } = view
  return {
    title: messages.addedTitle,
    body: html`
<p role="status">${messages.addedText}</p>
${resendNote(state, messages.resendAfterContinue)}
${onward(view, state)}`
  }
}
