import type { TwoFactorEvent, UserStatus } from 'fastify-authenticator-2fa'
import type { Account } from '../accounts.js'
import { html, type Html } from '../html.js'

/** A customer, as support sees it. */
export interface Customer extends Pick<Account, 'id' | 'email'> {
  readonly status: UserStatus
}

export function supportList (customers: readonly Customer[]): Html {
  return html`
<h1>Support</h1>
<p class="lead">Who has two-factor authentication, who is locked out, and what to do about it.</p>
<div class="card scroll" tabindex="0" role="region" aria-label="Accounts"><table>
<thead><tr><th scope="col">Account</th><th scope="col">Two-factor</th><th scope="col">Wrong codes</th><th scope="col">Recovery codes</th><td></td></tr></thead>
<tbody>${customers.map(({ id, email, status }) => html`<tr><th scope="row"><a href="/admin/${id}">${email}</a></th>
<td>${status.enabled ? html`<span class="pill good">on</span>` : html`<span class="pill">off</span>`}</td>
<td>${lock(status) ?? status.failedAttempts}</td><td>${status.recoveryCodesLeft}</td><td>${status.enabled && actions({ id, email })}</td></tr>`)}</tbody>
</table></div>`
}

export function supportDetails (customer: Customer, events: readonly TwoFactorEvent[]): Html {
  const { email, status: { enabled, authenticators, recoveryCodesLeft }, status } = customer
  return html`
<div class="narrow">
<h1>${email}</h1>
<section class="card">
<h2>Two-factor authentication ${enabled ? html`<span class="pill good">on</span>` : html`<span class="pill">off</span>`}</h2>
${enabled
    ? html`<p>${authenticators.map(({ name }) => name).join(', ')}. ${recoveryCodesLeft} recovery codes. ${lock(status)}</p>
${actions(customer)}`
    : html`<p>There is nothing to unlock or reset.</p>`}
</section>
<section class="card">
<h2>What happened</h2>
${events.length === 0
    ? html`<p>Nothing yet.</p>`
    : html`<ul class="bookings">${events.map(({ type, at, ip }) => html`
<li><span><strong>${type}</strong> ${ip}</span> <time datetime="${at.toISOString()}">${at.toISOString().slice(0, 16).replace('T', ' ')}</time></li>`)}</ul>`}
</section>
<p class="more"><a href="/admin">All accounts</a></p>
</div>`
}

function lock ({ lockedUntil, authenticatorsDisabled }: UserStatus): Html | undefined {
  if (authenticatorsDisabled) return html`<span class="pill bad">disabled</span>`
  return lockedUntil ? html`<span class="pill bad">locked</span>` : undefined
}

function actions ({ id, email }: Pick<Customer, 'id' | 'email'>): Html[] {
  return [['unlock', 'Unlock'], ['reset', 'Reset']].map(([action, name]) => html`
<form class="action" method="post" action="/admin/${id}/${action}"><button class="quiet" aria-label="${name} ${email}">${name}</button></form>`)
}
