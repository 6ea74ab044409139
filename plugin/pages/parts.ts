import { withQuery } from '../browser.js'
import type { UserRequirement } from '../requirement.js'
import type { Formats } from './formats.js'
import { html, trusted, type Html } from './html.js'
import type { Messages } from './messages.js'
import type { FormState, Site, Way } from './page.js'

/** What a page is written with. */
export interface View {
  readonly site: Site
  readonly messages: Messages
  readonly formats: Formats
}

/** What is on a page. */
export interface Drawing {
  readonly title: string
  readonly body: Html
}

export function problemBox ({ problem }: Pick<FormState, 'problem'>): Html | undefined {
  return problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`
}

/** Ties a field to what was wrong with it, for people who hear the page. */
export function invalid ({ problem }: Pick<FormState, 'problem'>): Html | undefined {
  return problem === undefined ? undefined : trusted(' aria-invalid="true" aria-describedby="problem"')
}

/**
 * The field for the code of an authenticator app.
 *
 * @param field.focus - Whether the page is there for it.
 * @param field.complete - Whether the form is sent when all digits are in: only where nothing comes after the field.
 */
export function codeField (
  { messages }: View,
  state: Pick<FormState, 'problem'>,
  { digits, label, focus = false, complete = false }: {
    readonly digits: number, readonly label: string, readonly focus?: boolean, readonly complete?: boolean
  }
): Html {
  return html`<label for="code">${label}</label>
${complete && html`<p class="hint" id="hint" data-when-scripted hidden>${messages.sentWhenComplete}</p>`}
<input class="code" id="code" name="code" dir="ltr" inputmode="numeric" autocomplete="one-time-code" required${focus && trusted(' autofocus')}
 maxlength="16" spellcheck="false" placeholder="${'0'.repeat(digits)}"${complete && html` data-complete="${digits}"`}${invalid(state)}>`
}

export function nextField ({ next }: Way): Html | undefined {
  return next === undefined ? undefined : html`<input type="hidden" name="next" value="${next}">`
}

/** A page that goes on to the same place. */
export function onTheWay (url: string, { next, resend }: Way): string {
  return withQuery(url, { next, resend: resend ? '1' : undefined })
}

/** The link to where the page leads on to. */
export function onward ({ site, messages }: View, { next }: Way): Html {
  return html`<a class="button" href="${next ?? site.defaultRedirect}">${messages.continue}</a>`
}

/** Says that what was sent is not done, so that it is not lost in silence. */
export function resendNote ({ resend }: Way, text: string): Html | undefined {
  return resend ? html`<p class="note">${text}</p>` : undefined
}

/** What a user without two-factor authentication is told of what `policy` asks: nothing, if it is left to the user. */
export function requirementNote (view: View, requirement: UserRequirement | undefined): Html | undefined {
  const { messages } = view
  if (requirement?.required) return html`<p class="note">${messages.required}</p>`
  const { requiredFrom, daysLeft } = requirement ?? {}
  if (!requiredFrom || !daysLeft) return undefined
  return html`<p class="note">${around(date => messages.requiredFrom(date, daysLeft), day(view, requiredFrom))}</p>`
}

export function newCodesForm (view: View, { quiet = false, ...way }: Way & { readonly quiet?: boolean }): Html {
  return html`<form method="post" action="${view.site.base}/recovery-codes">${nextField(way)}
<button${quiet && html` class="quiet"`}>${view.messages.makeRecoveryCodes}</button></form>`
}

/** A date without its time. */
export function day ({ formats }: View, date: Date): Html {
  return html`<time datetime="${date.toISOString()}" data-date>${formats.date(date)}</time>`
}

/** A message with markup in place of its value. */
export function around (message: (value: string) => string, value: Html): Html {
  // No text has it, and no browser shows it.
  return html`${message('\0').split('\0').flatMap((text, index) => index === 0 ? [text] : [value, text])}`
}
