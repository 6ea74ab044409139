import type { TwoFactorEvent } from 'fastify-authenticator-2fa'
import { html, type Html } from '../html.js'
import type { ComparedRows } from './changes.js'
import type { Recording, Statement } from './recording.js'
import { lines, summary } from './sql.js'
import type { Look } from './traces.js'

/** Rows shown of a table. */
const most = 4

/** What happened behind the page. */
export function panel ({ recordings, fresh, tables }: Look, signedIn: boolean): Html {
  return html`
<aside class="panel" aria-labelledby="panel">
<details open data-remember="panel">
<summary><h2 id="panel"><span class="badge">Demo</span> Behind this page</h2></summary>
<p class="small">Only in this demo: what the plugin did for you, as this process saw it. Secrets, codes, hashes and tokens are veiled. Times are UTC.</p>
<h3>What you did <span class="small">events and statements</span></h3>
${recordings.length === 0
    ? html`<p class="small">Nothing yet that the plugin had to ask the database for.</p>`
    : html`<ol class="requests">${recordings.map(seen => recording(seen, fresh.has(seen)))}</ol>`}
<h3>Your rows <span class="small">in the tables <code>two_factor_…</code></span></h3>
${tables
    ? html`<ul class="tables">${tables.map(table)}</ul>`
    : html`<p class="small">${signedIn ? 'They cannot be read right now.' : 'Nobody is signed in.'}</p>`}
</details>
</aside>`
}

function recording ({ request, at, statements, events, left }: Recording, fresh: boolean): Html {
  return html`<li><details${fresh && html` open`}>
<summary><code>${request}</code> ${time(at)}${events.length > 0 && html`
<span class="events">${events.map(event)}</span>`}</summary>
${statements.map(statement)}
${left > 0 && html`<p class="small">and ${left} more</p>`}</details></li>`
}

function event ({ type, clockOffset, lockedUntil, verifier }: TwoFactorEvent): Html {
  const details = [
    clockOffset !== undefined && `the clock is off by ${clockOffset} s`,
    lockedUntil === null && 'for good',
    lockedUntil && `until ${lockedUntil.toISOString().slice(11, 19)}`,
    verifier
  ].filter(Boolean)
  return html`<span class="event">${type}</span> ${details.length > 0 && html`<span class="small">${details.join(', ')}</span> `}`
}

function statement ({ sql, parameters, duration, failed }: Statement): Html {
  return html`<details class="sql">
<summary>${summary(sql)} <span class="small">${failed ? 'failed' : `${duration.toFixed(1)} ms`}</span></summary>
<pre tabindex="0"><code>${lines(sql)}</code></pre>
${parameters.length > 0 && html`<ol class="parameters">${parameters.map((parameter, index) => html`
<li><code>$${index + 1}</code> ${parameter}</li>`)}</ol>`}
</details>`
}

function table (compared: ComparedRows): Html {
  const { count, rows, hidden } = compared
  const fresh = rows.filter(({ fresh }) => fresh)
  const shown = (fresh.length > 0 ? fresh : rows).slice(0, most)
  const name = nameOf(compared, fresh.length > 0)
  if (rows.length === 0) {
    return html`<li class="empty">${name}${hidden && count > 0 && html`
<p class="small">What is in it is not for somebody who has only typed the password.</p>`}</li>`
  }
  return html`<li><details${fresh.length > 0 && html` open`}>
<summary>${name}</summary>
${shown.map(({ columns, fresh }) => html`<dl${fresh && html` class="fresh"`}>${Object.entries(columns).map(([column, value]) => html`
<div><dt>${column}</dt><dd${value === 'null' && html` class="small"`}>${value}</dd></div>`)}</dl>`)}
${count > shown.length && html`<p class="small">and ${count - shown.length} more</p>`}
</details></li>`
}

function nameOf ({ table, count, before }: ComparedRows, fresh: boolean): Html {
  const change = before === count ? '' : `${before} → `
  return html`<code>${table.replace('two_factor_', '')}</code>
<span class="small">${change}${count === 1 ? '1 row' : `${count} rows`}</span>${(fresh || before !== count) && html` <span class="event">changed</span>`}`
}

function time (at: Date): Html {
  return html`<time class="small" datetime="${at.toISOString()}">${at.toISOString().slice(11, 19)}</time>`
}
