import { withQuery } from '../browser.js'
import { html, trusted, type Html } from './html.js'
import { style } from './style.js'

/** What every page knows: whose it is, and where the others are. */
export interface Site {
  readonly issuer: string
  /** Path of the plugin's routes, without a slash at the end. */
  readonly base: string
  readonly defaultRedirect: string
}

/** What a page that takes a code knows beyond that. */
export interface FormState {
  /** What was wrong with the form that was sent. */
  readonly problem?: string | undefined
  /** Where to go afterwards: a path of this site. */
  readonly next?: string | undefined
  /** Whether the client sent something that was refused, and has to send it again. */
  readonly resend?: boolean | undefined
}

export function layout (site: Site, title: string, content: Html): string {
  // The referrer stays within this site: with none at all, browsers would send `Origin: null` with the forms.
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<meta name="robots" content="noindex">
<title>${title} · ${site.issuer}</title>
<style>${trusted(style)}</style>
</head>
<body>
<main>
<h1>${title}</h1>
<p class="issuer">${site.issuer}</p>
${content}
</main>
</body>
</html>
`.markup
}

export function problemBox (problem: string | undefined): Html | undefined {
  return problem === undefined ? undefined : html`<p class="problem" id="problem" role="alert">${problem}</p>`
}

/** The field for the code of an authenticator app. On a page that is there for the code, it has the focus. */
export function codeField ({ problem }: FormState, digits: number, focus = true): Html {
  return html`<label for="code">Code from your authenticator app</label>
<input class="code" id="code" name="code" inputmode="numeric" autocomplete="one-time-code" required${focus && trusted(' autofocus')}
 maxlength="16" spellcheck="false" placeholder="${'0'.repeat(digits)}"${invalid(problem)}>`
}

export function nextField (next: string | undefined): Html | undefined {
  return next === undefined ? undefined : html`<input type="hidden" name="next" value="${next}">`
}

/** Says that what was sent is not done, so that it is not lost in silence. */
export function resendNote ({ resend }: Pick<FormState, 'resend'>, task: string): Html | undefined {
  return resend ? html`<p class="note">What you sent was not done yet. ${task}, then send it again.</p>` : undefined
}

/** A page that goes on to the same place. */
export function onTheWay (url: string, { next, resend }: Pick<FormState, 'next' | 'resend'>): string {
  return withQuery(url, { next, resend: resend ? '1' : undefined })
}

/** Ties the field to what was wrong with it, for people who hear the page. */
export function invalid (problem: string | undefined): Html | undefined {
  return problem === undefined ? undefined : trusted(' aria-invalid="true" aria-describedby="problem"')
}
