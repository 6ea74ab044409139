import type { TwoFactorEvent, TwoFactorEventType } from '../events.js'
import { html, type Html } from './html.js'

const said: Readonly<Partial<Record<TwoFactorEventType, string>>> = {
  'setup-confirmed': 'An authenticator was added',
  'authenticator-renamed': 'An authenticator was renamed',
  'authenticator-removed': 'An authenticator was removed',
  verified: 'A code was entered',
  failed: 'A wrong code was entered',
  reused: 'A used code was entered again',
  locked: 'Codes were refused for a while',
  recovered: 'A recovery code was used',
  'recovery-codes-regenerated': 'New recovery codes were made',
  disabled: 'It was turned off',
  unlocked: 'Support unlocked your account',
  reset: 'Support reset it',
  imported: 'An authenticator was taken over from another system',
  'device-trusted': 'A device was trusted',
  'device-revoked': 'A device was revoked',
  'device-reuse-alarm': 'A trusted device was revoked: somebody had a copy of it'
}

/** What happened lately. What a user has no use for is left out. */
export function activitySection (events: readonly TwoFactorEvent[] | undefined): Html | undefined {
  if (events === undefined) return undefined
  const shown = events.flatMap(({ type, at, ip }) => {
    const text = said[type]
    return text === undefined
      ? []
      : [html`
<dt>${text}</dt>
<dd><time datetime="${at.toISOString()}">${at.toISOString().slice(0, 16).replace('T', ' ')} UTC</time>${ip !== undefined && ` from ${ip}`}</dd>`]
  })
  return html`
<h2 id="activity">Recent activity</h2>
${shown.length === 0
? html`<p>None.</p>`
: html`<dl>${shown}</dl>
<p class="more">Was it not you? Change your password, and make new recovery codes.</p>`}`
}
