import { html } from './html.js'
import type { PageData } from './page.js'
import { around, type Drawing, type View } from './parts.js'

/** The page of somebody who has to wait. */
export function lockedPage (view: View, { reason, retryAfter, retry }: PageData['locked']): Drawing {
  const { messages, formats } = view
  const said = reason === 'account' ? messages.lockedFor : messages.tooManyRequestsFor
  const time = html`<time datetime="PT${retryAfter}S" data-countdown="${retryAfter}">${formats.duration(retryAfter * 1000)}</time>`
  return {
    title: messages.lockedTitle,
    body: html`
<p class="problem" id="problem" role="alert">${around(said, time)}</p>
<p class="note" role="status" data-when-over="${messages.lockOver}" hidden></p>
<a class="button" href="${retry}">${messages.tryAgain}</a>`
  }
}

/** The page of somebody whom nothing can be told but to come back. */
export function unavailablePage ({ messages }: View, { problem, retry }: PageData['unavailable']): Drawing {
  return {
    title: messages.unavailableTitle,
    body: html`
<p class="problem" id="problem" role="alert">${problem}</p>
<a class="button" href="${retry}">${messages.tryAgain}</a>`
  }
}

/** A refusal that no form can show. */
export function errorPage ({ site, messages }: View, { problem }: PageData['error']): Drawing {
  return {
    title: messages.failedTitle,
    body: html`
<p class="problem" id="problem" role="alert">${problem}</p>
<a class="button" href="${site.base}/">${messages.back}</a>`
  }
}
