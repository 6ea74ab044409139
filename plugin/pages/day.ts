import { html, type Html } from './html.js'

/** A date without its time. */
export function day (date: Date): Html {
  return html`<time datetime="${date.toISOString()}">${date.toISOString().slice(0, 10)}</time>`
}
