import { html } from './html.js'
import { layout, type Site } from './layout.js'

/** A refusal that no form can show. */
export function errorPage (site: Site, { message, status }: { message: string, status: number }): string {
  const title = status >= 500 ? 'Not available right now' : status === 429 ? 'Please wait' : 'This did not work'
  return layout(site, title, html`
<p class="problem" role="alert">${message}.</p>
<a class="button" href="${site.base}/">Back</a>`)
}
