import { html, type Html } from '../html.js'

export function transferForm (): Html {
  return html`
<div class="narrow">
<h1>Transfer</h1>
<form class="card" method="post" action="/transfer">
<label for="to">To</label>
<input id="to" name="to" required maxlength="80" autocomplete="off">
<label for="amount">Amount in €</label>
<input id="amount" name="amount" inputmode="decimal" required pattern="[1-9][0-9]{0,5}" title="Whole euros" autocomplete="off">
<button>Send</button>
</form>
<p class="more">A code that is older than five minutes has to be given again.</p>
</div>`
}

export function transferSent ({ to, amount }: { readonly to: string, readonly amount: string }): Html {
  return html`
<div class="narrow">
<h1>Sent</h1>
<p class="note" role="status">€ ${amount} are on their way to ${to}.</p>
<p><a href="/dashboard">Back to the dashboard</a></p>
</div>`
}
