import type { FastifyReply, FastifyRequest } from 'fastify'
import { checkOption, isObject, refuseUnknown } from './option-checks.js'
import { en } from './pages/languages/en.js'
import type { Logo } from './pages/layout.js'
import type { PartialMessages } from './pages/messages.js'
import type { TwoFactorPage } from './pages/page.js'
import type { PolicySources } from './pages/security-policy.js'
import { colorNames, type PageTheme } from './pages/theme.js'

type MaybePromise<T> = T | Promise<T>

/** How the pages look, what language they speak, and what a host makes of them. */
export interface PageOptions {
  /** What the host is called on the pages. Default is the `issuer`. */
  readonly name?: string

  /** A picture in place of the name. Its source is allowed by itself. Default is none. */
  readonly logo?: Logo

  /** Colours, font and corners. Default is the package's own, light and dark. */
  readonly theme?: PageTheme

  /**
   * Language of the pages, as a tag (BCP 47) such as `de` or `pt-BR`: the same for everybody, or chosen for each
   * request. Default, also where the function answers nothing: what the browser prefers (`Accept-Language`).
   */
  readonly language?: string | ((request: FastifyRequest) => MaybePromise<string | undefined>)

  /** Language where none that there is, is preferred. Default is `en`. */
  readonly defaultLanguage?: string

  /**
   * The host's own languages by tag, or its own words in those that there are: `en`, `de`, `fr`, `es`, `pt`, `ja` and
   * `ar`. What is missing is said by the language it is a kind of, the default language or English. Default is none.
   */
  readonly messages?: Readonly<Record<string, PartialMessages>>

  /**
   * Makes the whole document of a page, around `page.content` or from its data. The forms post to the same routes.
   * `undefined`, or a failure, which is logged: the page as it is. Default is none.
   */
  readonly render?: (page: TwoFactorPage, reply: FastifyReply) => MaybePromise<string | undefined>

  /**
   * What the pages may load beyond their own style and script, such as `{ 'style-src': ["'self'"] }`. Default is none.
   */
  readonly contentSecurityPolicy?: PolicySources
}

/** Pages after {@link resolvePages}: complete and checked. */
export interface ResolvedPages extends Required<Omit<PageOptions, 'logo' | 'language' | 'render'>> {
  /** Whether browsers get them. */
  readonly shown: boolean
  readonly logo: Logo | undefined
  readonly language: PageOptions['language'] | undefined
  readonly render: PageOptions['render'] | undefined
}

/** @throws {BadOptionError} if something is wrong or unknown. */
export function resolvePages (pages: boolean | PageOptions, issuer: string): ResolvedPages {
  checkOption('pages', typeof pages === 'boolean' || (isObject(pages) && !Array.isArray(pages)), 'true, false or an object')
  const {
    name = issuer, logo, theme = {}, language, defaultLanguage = 'en', messages = {}, render,
    contentSecurityPolicy = {}, ...unknown
  } = isObject(pages) ? pages : {}

  refuseUnknown(unknown, 'pages.')
  checkOption('pages.name', typeof name === 'string' && name.trim() !== '', 'a name')
  checkOption('pages.logo', logo === undefined || isLogo(logo), '{ src, alt, width, height }, where src is a path, an https: URL or a data: URL of an image')
  checkTheme(theme)
  checkOption('pages.language', language === undefined || typeof language === 'function' || isTag(language), 'a language tag such as "de", or a function')
  checkOption('pages.defaultLanguage', isTag(defaultLanguage), 'a language tag such as "de"')
  checkOption('pages.messages', isObject(messages) && Object.entries(messages).every(isCatalogue), 'messages by language tag, each a text or a function as the English one is')
  checkOption('pages.render', render === undefined || typeof render === 'function', 'a function')
  checkOption('pages.contentSecurityPolicy', isObject(contentSecurityPolicy) && Object.entries(contentSecurityPolicy).every(isDirective), 'a list of sources by directive')
  return {
    shown: pages !== false, name, logo, theme, language, defaultLanguage, messages, render, contentSecurityPolicy
  }
}

function checkTheme (theme: PageTheme): void {
  checkOption('pages.theme', isObject(theme), 'an object')
  const { scheme = 'auto', light = {}, dark = {}, font, radius, ...unknown } = theme
  refuseUnknown(unknown, 'pages.theme.')
  checkOption('pages.theme.scheme', ['light', 'dark', 'auto'].includes(scheme), '"light", "dark" or "auto"')
  for (const [name, colors] of Object.entries({ light, dark })) {
    checkOption(`pages.theme.${name}`, isObject(colors) && Object.entries(colors).every(([color, value]) =>
      (colorNames as readonly string[]).includes(color) && isValue(value)), `CSS colours by name: ${colorNames.join(', ')}`)
  }
  checkOption('pages.theme.font', font === undefined || isValue(font), 'a CSS font-family')
  checkOption('pages.theme.radius', radius === undefined || isValue(radius), 'a CSS length')
}

/** Text that ends neither its declaration nor the style sheet. */
function isValue (value: unknown): boolean {
  return typeof value === 'string' && /^[^;{}<>\\@]+$/.test(value)
}

function isLogo (value: unknown): boolean {
  const { src, alt, width, height } = (value ?? {}) as Partial<Logo>
  return typeof src === 'string' && /^(?:\/(?!\/)|https:\/\/[^/]|data:image\/)[^\s\\]*$/.test(src) &&
    ['string', 'undefined'].includes(typeof alt) && [width, height].every(size => size === undefined || size > 0)
}

function isTag (value: unknown): boolean {
  try {
    return typeof value === 'string' && Intl.getCanonicalLocales(value).length === 1
  } catch {
    return false
  }
}

function isCatalogue ([tag, messages]: [string, unknown]): boolean {
  return isTag(tag) && isObject(messages) && Object.entries(messages).every(([key, message]) =>
    key in en && (message === undefined || typeof message === typeof en[key as keyof typeof en]))
}

function isDirective ([directive, sources]: [string, unknown]): boolean {
  return /^[a-z-]+$/.test(directive) && Array.isArray(sources) &&
    sources.every(source => typeof source === 'string' && /^[^\s;,]+$/.test(source))
}
