import { html } from './html.js'
import type { PageData } from './page.js'
import { newCodesForm, onward, resendNote, type Drawing, type View } from './parts.js'

/** The one time that recovery codes are shown. Goes on once the user says that they are kept. */
export function recoveryCodesPage (view: View, { codes, renewed, ...way }: PageData['recovery-codes']): Drawing {
  const { site, messages } = view
  const text = `${messages.recoveryCodesOf(site.name)}\n\n${codes.join('\n')}\n\n${messages.eachWorksOnce}\n`
  return {
    title: renewed ? messages.newRecoveryCodesTitle : messages.turnedOnTitle,
    body: html`
<p>${messages.keepRecoveryCodes}</p>
<ul class="codes" id="codes" dir="ltr">${codes.map(code => html`<li><code>${code}</code></li>`)}</ul>
<p class="row">
<button class="quiet" type="button" data-copy="codes" data-done="${messages.copied}" data-failed="${messages.notCopied}" hidden>${messages.copy}</button>
<a class="button quiet" download="recovery-codes.txt" href="data:text/plain;charset=utf-8,${encodeURIComponent(text)}">${messages.download}</a>
<button class="quiet" type="button" data-print hidden>${messages.print}</button>
</p>
<p class="note">${messages.shownOnce}</p>
<input type="checkbox" id="saved"><label class="inline" for="saved">${messages.saved}</label>
<div class="when-saved">
${resendNote(way, messages.resendAfterContinue)}
${onward(view, way)}
</div>`
  }
}

/** Asked for by this many unused codes or fewer. */
export const fewCodes = 2

/** Shown after a sign-in to a user who is about to be without recovery codes. */
export function fewCodesPage (view: View, { left, next, resend }: PageData['few-recovery-codes']): Drawing {
  const { site, messages } = view
  return {
    title: left === 0 ? messages.noRecoveryCodesTitle : messages.fewRecoveryCodesTitle,
    body: html`
<p class="note" role="status">${messages.recoveryCodesLeft(left)} ${messages.fewRecoveryCodesText}</p>
${resendNote({ resend }, messages.resendAfterContinue)}
${newCodesForm(view, { next })}
<a class="button quiet" href="${next ?? site.defaultRedirect}">${messages.notNow}</a>`
  }
}
