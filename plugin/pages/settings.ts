import { activitySection } from './activity.js'
import { authenticatorList } from './authenticators.js'
import { deviceSection } from './devices.js'
import { html, type Html } from './html.js'
import type { PageData } from './page.js'
import { codeField, newCodesForm, problemBox, requirementNote, type Drawing, type View } from './parts.js'

/** The page of a user's own two-factor authentication. */
export function settingsPage (view: View, state: PageData['settings']): Drawing {
  const { site, messages } = view
  const { status } = state
  return {
    title: messages.settingsTitle,
    body: html`
${problemBox(state)}
${status.enabled
? html`
<p>${messages.isOn}</p>
${status.verified
? verified(view, state)
: html`<a class="button" href="${site.base}/verify?next=${site.base}/">${messages.verifyToChange}</a>`}`
: html`
${requirementNote(view, status)}
<p>${messages.isOff} ${messages.whyTurnOn}</p>
<a class="button" href="${site.base}/setup">${messages.setItUp}</a>`}
<p class="more"><a href="${site.defaultRedirect}">${messages.back}</a></p>`
  }
}

function verified (view: View, state: PageData['settings']): Html {
  const { site, messages } = view
  const { status: { recoveryCodesLeft, required } } = state
  return html`
<h2>${messages.authenticators}</h2>
${authenticatorList(view, state)}
<a class="button quiet" href="${site.base}/setup">${messages.addAuthenticator}</a>
<h2>${messages.recoveryCodes}</h2>
<p>${messages.recoveryCodesLeft(recoveryCodesLeft ?? 0)} ${messages.newOnesReplaceThem}</p>
${newCodesForm(view, { quiet: true })}
${deviceSection(view, state.devices)}
<h2>${messages.turnOffTitle}</h2>
${required ? html`<p>${messages.cannotTurnOff}</p>` : disableForm(view, state)}
${activitySection(view, state.activity)}`
}

function disableForm (view: View, { field, problem, digits }: PageData['settings']): Html {
  return html`<form method="post" action="${view.site.base}/disable">
${codeField(view, field === 'code' ? { problem } : {}, { digits, label: view.messages.codeLabel })}
<button class="quiet">${view.messages.turnOff}</button>
</form>`
}
