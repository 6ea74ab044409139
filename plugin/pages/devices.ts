import type { TrustedDevice } from '../request/devices.js'
import { day } from './day.js'
import { html, type Html } from './html.js'
import type { Site } from './layout.js'

/** The trusted devices of a user, with what can be done to them. Nothing without the option. */
export function deviceSection (site: Site, devices: readonly TrustedDevice[] | undefined): Html | undefined {
  if (devices === undefined) return undefined
  return html`
<h2 id="devices">Trusted devices</h2>
${devices.length === 0
  ? html`<p>None. Each device is asked for a code at every sign-in.</p>`
  : html`<p>These are not asked for a code.</p>
<dl>${devices.map(({ id, label, current, createdAt, lastUsedAt, expiresAt }) => html`
<dt>${label}${current && ' (this device)'}</dt>
<dd>last used ${day(lastUsedAt ?? createdAt)}, trusted until ${day(expiresAt)}
<form method="post" action="${site.base}/devices/${encodeURIComponent(id)}/revoke">
<button class="quiet" aria-label="Revoke ${label}, trusted on ${createdAt.toISOString().slice(0, 10)}">Revoke</button>
</form></dd>`)}</dl>
<form method="post" action="${site.base}/devices/revoke"><button class="quiet">Revoke all</button></form>`}`
}

/** The box on the page that asks for a code. */
export function trustBox ({ ttl, checked }: { readonly ttl: number, readonly checked: boolean }): Html {
  return html`<p><label><input type="checkbox" name="trustDevice" value="on"${checked && html` checked`}> Do not ask again on
this device for ${duration(ttl)}</label></p>`
}

function duration (milliseconds: number): string {
  const hours = Math.max(1, Math.floor(milliseconds / 3_600_000))
  const [count, unit] = hours < 48 ? [hours, 'hour'] : [Math.floor(hours / 24), 'day']
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
