import type { TrustedDevice } from '../request/devices.js'
import { html, type Html } from './html.js'
import type { Messages } from './messages.js'
import { around, day, type View } from './parts.js'

/** The trusted devices of a user, with what can be done to them. Nothing without the option. */
export function deviceSection (view: View, devices: readonly TrustedDevice[] | undefined): Html | undefined {
  const { messages, site } = view
  if (devices === undefined) return undefined
  return html`
<h2 id="devices">${messages.devices}</h2>
${devices.length === 0
  ? html`<p>${messages.noDevices}</p>`
  : html`<p>${messages.devicesText}</p>
<dl>${devices.map(device => listed(view, device))}</dl>
<form method="post" action="${site.base}/devices/revoke"><button class="quiet">${messages.revokeAll}</button></form>`}`
}

function listed (view: View, { id, label, current, createdAt, lastUsedAt, expiresAt }: TrustedDevice): Html {
  const { messages, formats, site } = view
  const name = nameIn(messages, label)
  return html`
<dt>${name}${current && ` (${messages.thisDevice})`}</dt>
<dd>${around(messages.lastUsed, day(view, lastUsedAt ?? createdAt))} · ${around(messages.trustedUntil, day(view, expiresAt))}
<form method="post" action="${site.base}/devices/${encodeURIComponent(id)}/revoke">
<button class="quiet" aria-label="${messages.revokeOne(name)}, ${messages.addedOn(formats.date(createdAt))}">${messages.revoke}</button>
</form></dd>`
}

/** A label as it is kept, in the language of the page. */
function nameIn (messages: Messages, label: string): string {
  const [browser = '', system] = label.split(' on ')
  if (system !== undefined) return messages.browserOnSystem(browser, system)
  return label === 'Unknown device' ? messages.unknownDevice : label
}
