import type { TwoFactorStatus } from 'fastify-authenticator-2fa'
import type { Checker } from '../checker.js'
import { html, type Html } from '../html.js'

const bookings = [
  ['Salary', 'Initech', '+ 3,150.00'],
  ['Rent', 'Property Management', '− 1,080.00'],
  ['Groceries', 'Corner Market', '− 64.35'],
  ['Train', 'Regional Rail', '− 29.90']
] as const

/** What a customer sees first: the money, and how it is protected. */
export function dashboard (status: TwoFactorStatus, { where }: Pick<Checker, 'where'>): Html {
  return html`
<h1>Dashboard</h1>
<div class="tiles">
<section class="card tile balance-card">
<h2>Your balance</h2>
<p class="balance">€ 4,209.17</p>
<p><a class="button" href="/transfer">Send money</a></p>
</section>
<section class="card tile">
<h2>Protection ${status.enabled ? html`<span class="pill good">on</span>` : html`<span class="pill">off</span>`}</h2>
${protection(status, where)}
</section>
</div>
<section class="card">
<h2>Lately</h2>
<ul class="bookings">${bookings.map(([what, who, amount]) => html`
<li><span><strong>${what}</strong> ${who}</span> <span class="amount${amount.startsWith('+') && ' in'}">${amount}</span></li>`)}</ul>
</section>`
}

function protection ({ enabled, authenticators, requiredFrom, daysLeft }: TwoFactorStatus, where: Checker['where']): Html {
  if (!enabled) {
    return html`<p class="note">You signed in with your password alone. <a href="/2fa/setup">Set up two-factor authentication</a>.
${requiredFrom !== null && html`Without it you can go on until <time>${requiredFrom.toISOString().slice(0, 10)}</time>:
${daysLeft === 1 ? '1 day' : `${daysLeft} days`} left.`}</p>`
  }
  // Each stays with the checker that it was set up with.
  const checked = new Set(authenticators?.map(({ kind }) => where(kind)))
  return html`<p class="note">Your password alone is not enough here. Your codes are checked ${[...checked].join(' and ')}.</p>
<p><a href="/2fa/">Your phones and devices</a></p>`
}
