import type { FastifyReply, FastifyRequest } from 'fastify'
import { varyBy } from '../browser.js'
import type { ResolvedPages } from '../page-options.js'
import { draw } from './drawings.js'
import { html } from './html.js'
import { en } from './languages/en.js'
import { createLanguages } from './languages.js'
import { documentOf } from './layout.js'
import type { Page, Site, TwoFactorPage } from './page.js'
import type { View } from './parts.js'
import { problemOf, type Refusal } from './problem.js'
import { securityPolicy, type PolicySources } from './security-policy.js'
import { pageStyle } from './style.js'

/** Draws the pages of a registration. */
export interface Pages {
  /** What this client's pages are written with, in its language. */
  readonly view: (reply: FastifyReply, site: Site) => Promise<View & { readonly language: string }>
  /** Says to this client's user what was refused. */
  readonly problem: (reply: FastifyReply, site: Site, refusal: Refusal) => Promise<string>
  /** Sends a page, as the host makes it or as it is. */
  readonly send: (reply: FastifyReply, site: Site, page: Page) => Promise<FastifyReply>
}

/** @param redirects - URLs that forms lead on to. */
export function createPages (options: ResolvedPages, redirects: readonly string[]): Pages {
  const { render, logo, theme, language, messages, defaultLanguage, contentSecurityPolicy } = options
  const chooseLanguage = createLanguages(messages, defaultLanguage)
  const style = pageStyle(theme)
  const policy = securityPolicy(style, sourceOf(logo?.src), formTargets(redirects), contentSecurityPolicy)

  // A refusal and its page are asked for one after the other, and the host should choose once.
  const views = new WeakMap<FastifyRequest, ReturnType<typeof choose>>()

  function view (reply: FastifyReply, site: Site): ReturnType<typeof choose> {
    const chosen = views.get(reply.request) ?? choose(reply, site)
    views.set(reply.request, chosen)
    return chosen
  }

  async function choose (reply: FastifyReply, site: Site) {
    const { request } = reply
    let wanted = typeof language === 'string' ? language : undefined
    try {
      if (typeof language === 'function') wanted = expectText(await language(request), 'pages.language')
    } catch (error) {
      request.log.error({ err: error }, 'pages.language of fastify-authenticator-2fa failed')
    }
    if (wanted === undefined) varyBy(reply, 'Accept-Language')
    const { tag, messages, formats } = chooseLanguage(wanted ?? request.headers['accept-language'])
    return { language: tag, messages, formats, site }
  }

  return {
    view,

    async problem (reply, site, refusal) {
      return spoken(reply, await view(reply, site), { code: refusal.code }, view => problemOf(view, refusal))
    },

    async send (reply, site, page) {
      const seen = await view(reply, site)
      const { messages, language } = seen
      const { title, body } = spoken(reply, seen, { page: page.name }, view => draw(view, page))
      const content = html`<div class="two-factor" lang="${language}" dir="${messages.direction}">
<h1>${title}</h1>
${body}
</div>`.markup
      const scriptUrl = `${site.base}/page.js`
      const { direction } = messages
      const framed = { ...page, title, content, style, scriptUrl, language, direction, messages, site }

      reply
        .type('text/html; charset=utf-8')
        .header('content-security-policy', policy)
        .header('content-language', language)
        .header('x-frame-options', 'DENY')
        .header('x-content-type-options', 'nosniff')
      return reply.send(await rendered(reply, render, framed) ?? documentOf(framed, logo))
    }
  }
}

/** A message of the host that fails must not take the page with it: recovery codes are shown only once. */
function spoken<Said> (reply: FastifyReply, view: View, about: object, say: (view: View) => Said): Said {
  try {
    return say(view)
  } catch (error) {
    reply.log.error({ err: error, ...about }, 'pages.messages of fastify-authenticator-2fa failed')
    return say({ ...view, messages: en })
  }
}

/** Nor must a document of the host that fails. */
async function rendered (
  reply: FastifyReply, render: ResolvedPages['render'], page: TwoFactorPage
): Promise<string | undefined> {
  try {
    return expectText(await render?.(page, reply), 'pages.render')
  } catch (error) {
    reply.log.error({ err: error, page: page.name }, 'pages.render of fastify-authenticator-2fa failed')
  }
}

function expectText (answer: unknown, name: string): string | undefined {
  if (answer === undefined || typeof answer === 'string') return answer
  throw new TypeError(`${name} must answer a string or undefined`)
}

function sourceOf (url: string | undefined): PolicySources {
  if (url === undefined) return {}
  if (url.startsWith('data:')) return { 'img-src': ['data:'] }
  return { 'img-src': [url.startsWith('/') ? "'self'" : new URL(url).origin] }
}

/** Browsers hold `form-action` also for where the answer to a form sends them. */
function formTargets (redirects: readonly string[]): PolicySources {
  return { 'form-action': redirects.filter(url => /^https?:/.test(url)).map(url => new URL(url).origin) }
}
