import { html, type Html } from '../html.js'
import { stepsFor, type Situation } from './steps.js'

/** The steps of the demo: which are done, and what to do next. */
export function guide (situation: Situation, done: ReadonlySet<string>): Html {
  const steps = stepsFor(situation)
  const next = steps.find(({ id }) => !done.has(id))
  const count = steps.filter(({ id }) => done.has(id)).length
  const place = next?.place(situation)
  return html`
<section class="guide" aria-labelledby="guide">
<p class="eyebrow" id="guide">Guide <span>${count} of ${steps.length} done</span></p>
<progress max="${steps.length}" value="${count}" aria-labelledby="guide"></progress>
${next
    ? html`<p class="next">${next.title}</p>
<p>${next.text(situation)}</p>
${place && html`<p><a href="${place[0]}">${place[1]}</a></p>`}`
    : html`<p class="next">That was all of it</p>
<p>Now <a href="/how-to">put it into your own app</a>.</p>`}
<details class="steps">
<summary>All steps</summary>
<ol>${steps.map(({ id, title }) => html`
<li${done.has(id) && html` class="done"`}${id === next?.id && html` aria-current="step"`}>${title}${done.has(id) && html` <span class="mark">done</span>`}</li>`)}
</ol>
</details>
</section>`
}
