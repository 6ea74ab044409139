import type { TwoFactorEvent } from '../events.js'
import { html, type Html } from './html.js'
import type { Messages } from './messages.js'
import type { View } from './parts.js'

/** What happened lately. What a user has no use for is left out. */
export function activitySection (view: View, events: readonly TwoFactorEvent[] | undefined): Html | undefined {
  const { messages, formats } = view
  if (events === undefined) return undefined
  const shown = events.flatMap(({ type, at, ip }) => {
    const text = saidOf(messages, type)
    return text === undefined
      ? []
      : [html`
<dt>${text}</dt>
<dd><time datetime="${at.toISOString()}" data-time>${formats.dateTime(at)}</time>${ip !== undefined && ` ${messages.fromAddress(ip)}`}</dd>`]
  })
  return html`
<h2 id="activity">${messages.activity}</h2>
${shown.length === 0
? html`<p>${messages.noActivity}</p>`
: html`<dl>${shown}</dl>
<p class="more">${messages.wasItYou}</p>`}`
}

function saidOf (messages: Messages, type: string): string | undefined {
  const key = `event:${type}`
  return key in messages ? messages[key as Extract<keyof Messages, `event:${string}`>] : undefined
}
