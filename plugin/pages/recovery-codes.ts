import { html, type Html } from './html.js'
import { layout, nextField, resendNote, type FormState, type Site } from './layout.js'

/** The one time that recovery codes are shown. Goes on once the user says that they are kept. */
export function recoveryCodesPage (
  site: Site, { codes, title, ...state }: { codes: readonly string[], title: string } & Pick<FormState, 'next' | 'resend'>
): string {
  const text = `${site.issuer}: recovery codes\n\n${codes.join('\n')}\n\nEach one works once.\n`
  return layout(site, title, html`
<p>Keep these recovery codes somewhere safe, such as a password manager or on paper. Each one gets you in once when
you do not have your phone.</p>
<ul class="codes" id="codes">${codes.map(code => html`<li><code>${code}</code></li>`)}</ul>
<p class="row">
<button class="quiet" type="button" data-copy="codes" hidden>Copy</button>
<a class="button quiet" download="recovery-codes.txt" href="data:text/plain;charset=utf-8,${encodeURIComponent(text)}">Download</a>
<button class="quiet" type="button" data-print hidden>Print</button>
</p>
<p class="note">They are shown only now.</p>
<input type="checkbox" id="saved"><label class="inline" for="saved">I have saved them</label>
${resendNote(state, 'Continue')}
<a class="button when-saved" href="${state.next ?? site.defaultRedirect}">Continue</a>
<script type="module" src="${site.base}/page.js"></script>`)
}

/** Asked for by this many unused codes or fewer. */
export const fewCodes = 2

/** Shown after a sign-in to a user who is about to be without recovery codes. */
export function fewCodesPage (site: Site, { left, next, resend }: { left: number } & Pick<FormState, 'next' | 'resend'>): string {
  return layout(site, left === 0 ? 'You have no recovery codes' : 'Your recovery codes run out', html`
<p class="note" role="status">${left === 0 ? 'You have none' : `You have ${left} left`}. Without one you cannot sign in when you lose your phone.</p>
${resendNote({ resend }, 'Go on')}
${newCodesForm(site, { next })}
<a class="button quiet" href="${next ?? site.defaultRedirect}">Not now</a>`)
}

export function newCodesForm (
  site: Site, { next, quiet = false }: Pick<FormState, 'next'> & { readonly quiet?: boolean }
): Html {
  return html`<form method="post" action="${site.base}/recovery-codes">${nextField(next)}
<button${quiet && html` class="quiet"`}>Make new recovery codes</button></form>`
}
