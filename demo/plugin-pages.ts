import type { FastifyReply } from 'fastify'
import type { TwoFactorOptions } from 'fastify-authenticator-2fa'
import { html, trusted, type Html } from './html.js'
import { theme } from './theme.js'

type PageOptions = Exclude<TwoFactorOptions['pages'], boolean | undefined>
type Render = NonNullable<PageOptions['render']>
type Page = Parameters<Render>[0]

/** The pages of the package in the bank's colours and, with the guide and the panel, in its layout. */
export function pluginPages (panel: boolean): PageOptions {
  if (!panel) return { theme, logo: { src: '/public/logo.svg', alt: 'Acme Bank', width: 48, height: 48 } }
  return {
    theme,
    render,
    contentSecurityPolicy: { 'style-src': ["'self'"], 'img-src': ["'self'"], 'font-src': ["'self'"] }
  }
}

async function render (page: Page, reply: FastifyReply): Promise<string> {
  const { title, content, style, scriptUrl, name } = page
  return reply.document(title, html`
<div class="narrow">
<div class="card">${trusted(content)}</div>
${page.name === 'setup' && phoneLink(page.pending.uri)}
</div>`, {
    name,
    head: html`<style>${trusted(style)}</style>
<script type="module" src="${scriptUrl}"></script>`
  })
}

/** The key goes to the other tab in the fragment, which no browser sends anywhere. */
function phoneLink (uri: string): Html {
  return html`<p class="more"><a href="/phone#${encodeURIComponent(uri)}" target="_blank" rel="noreferrer">No phone at hand? Take the demo phone</a></p>`
}
