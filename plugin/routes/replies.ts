import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { urlFor, type Registration } from '../access.js'
import { isSafe, localPath, wantsPage, withQuery } from '../browser.js'
import {
  InvalidCodeError, LockedError, TooManyRequestsError, UnauthenticatedError, UnavailableError
} from '../errors.js'
import { pageFor } from '../guard.js'
import type { Page, Site } from '../pages/page.js'
import { onTheWay, type View } from '../pages/parts.js'
import type { Pages } from '../pages/renderer.js'
import { refusalBody } from './refusals.js'

/** A registration, as its routes see it. */
export interface RouteContext extends Registration {
  readonly site: Site
  readonly pages: Pages
}

/** Draws the page again whose form was refused. */
export type FormPage = (request: FastifyRequest, problem: string) => Page | undefined | Promise<Page | undefined>

/** The site as this client sees it. */
export function siteOf ({ site }: RouteContext, request: FastifyRequest): Site {
  return { ...site, base: urlFor(request, site.base) }
}

/** Whether this client gets pages from this registration. */
export function showsPages ({ options }: RouteContext, request: FastifyRequest): boolean {
  return options.pages.shown && wantsPage(request)
}

export function sendPage (context: RouteContext, reply: FastifyReply, page: Page): Promise<FastifyReply> {
  return context.pages.send(reply, siteOf(context, reply.request), page)
}

/** What this client's pages are written with. */
export function viewOf (context: RouteContext, reply: FastifyReply): Promise<View> {
  return context.pages.view(reply, siteOf(context, reply.request))
}

/** Sends a browser to the settings, where a change shows. */
export function toSettings (context: RouteContext, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  return reply.redirect(`${siteOf(context, request).base}/`, 303)
}

/** Where the form or the link wants to go on to, if that is on this site. */
export function nextOf (request: FastifyRequest): string | undefined {
  const { body, query } = request as { body: unknown, query: unknown }
  for (const source of [body, query]) {
    if (typeof source === 'object' && source !== null && 'next' in source) return localPath(source.next)
  }
}

/** Where the client goes on to, and whether it has to send something again there. */
export function wayOf (request: FastifyRequest): { next: string | undefined, resend: boolean } {
  const { query } = request as { query: unknown }
  const resend = typeof query === 'object' && query !== null && 'resend' in query && query.resend === '1'
  return { next: nextOf(request), resend }
}

/** Options of a route whose refusals show its form again. */
export function withForm (context: RouteContext, page: FormPage) {
  return {
    errorHandler: (error: FastifyError, request: FastifyRequest, reply: FastifyReply) =>
      sendRefusal(context, error, request, reply, page)
  }
}

/** Answers a refusal: JSON in Fastify's shape, or for a browser the page that helps it on. */
export async function sendRefusal (
  context: RouteContext, error: FastifyError, request: FastifyRequest, reply: FastifyReply, form?: FormPage
): Promise<FastifyReply> {
  const refusal = asRefusal(error)
  const status = refusal.statusCode ?? 503
  if (status >= 500) request.log.error({ err: refusal }, refusal.message)
  if (refusal.cause === error) context.options.proof.abandon(request)
  reply.code(status).headers('headers' in refusal ? refusal.headers as Record<string, string> : {})

  if (!showsPages(context, request)) {
    return reply.send(refusalBody(refusal))
  }
  const elsewhere = pageFor(context, refusal)
  if (elsewhere !== undefined) {
    return reply.redirect(withQuery(elsewhere, wayBack(context, request, refusal)), 303)
  }
  return sendPage(context, reply, await refusalPage(context, refusal, reply, form))
}

/** The page that a refusal is shown on: its form again, if that is of use. */
async function refusalPage (
  context: RouteContext, refusal: FastifyError, reply: FastifyReply, form: FormPage | undefined
): Promise<Page> {
  const { request } = reply
  const site = siteOf(context, request)
  const problem = await context.pages.problem(reply, site, refusal)
  const page = await form?.(request, problem)
  const retryAfter = Number(reply.getHeader('retry-after'))
  if (refusal instanceof LockedError && !refusal.disabled) {
    return { name: 'locked', reason: 'account', retryAfter, retry: retryOf(site, page) }
  }
  if (refusal instanceof TooManyRequestsError) {
    return { name: 'locked', reason: 'address', retryAfter, retry: retryOf(site, page) }
  }
  if (page) return page
  if (refusal.statusCode !== undefined && refusal.statusCode < 500) {
    return { name: 'error', problem, status: refusal.statusCode }
  }
  const here = isSafe(request.method) ? localPath(request.originalUrl) : undefined
  return { name: 'unavailable', problem, retry: here ?? `${site.base}/` }
}

/** Where the form of a page is again. */
function retryOf (site: Site, page: Page | undefined): string {
  switch (page?.name) {
    case 'verify':
    case 'recover': return onTheWay(`${site.base}/${page.name}`, page)
    case 'method': return onTheWay(`${site.base}/methods/${page.method.name}`, page)
    case 'setup': return onTheWay(`${site.base}/setup`, page)
    default: return `${site.base}/`
  }
}

/** Back to this page, or for a form to the settings, to send it again. A sign-in leads on to where the form would. */
function wayBack (context: RouteContext, request: FastifyRequest, refusal: FastifyError) {
  if (isSafe(request.method)) return { next: localPath(request.originalUrl) }
  const settings = `${siteOf(context, request).base}/`
  return refusal instanceof UnauthenticatedError ? { next: nextOf(request) ?? settings } : { next: settings, resend: '1' }
}

/**
 * What is no refusal of ours or of Fastify's failed on the way (session store, rate limiter, a bug): nobody is let in,
 * and the cause goes to the log alone.
 */
function asRefusal (error: FastifyError): FastifyError {
  if (error.statusCode !== undefined && (error.statusCode < 500 || error instanceof UnavailableError)) {
    // The cause of an invalid code tells more than the client may know.
    if (!(error instanceof InvalidCodeError) || error.cause === undefined) return error
    const { clockOffset, recovery } = error
    return new InvalidCodeError({ clockOffset, recovery })
  }
  return new UnavailableError({ cause: error })
}
