import type { FastifyError, FastifyReply, FastifyRequest, RouteShorthandOptions } from 'fastify'
import { STATUS_CODES } from 'node:http'
import { urlFor, type Registration } from '../access.js'
import { isSafe, localPath, wantsPage, withQuery } from '../browser.js'
import { InvalidCodeError, UnauthenticatedError, UnavailableError } from '../errors.js'
import { pageFor } from '../guard.js'
import { errorPage } from '../pages/error.js'
import type { Site } from '../pages/layout.js'
import { contentSecurityPolicy } from '../pages/style.js'
import { urlOf } from '../refusal.js'

/** A registration, as its routes see it. */
export interface RouteContext extends Registration {
  readonly site: Site
}

/** Draws the page again whose form was refused. */
export type FormPage = (request: FastifyRequest, problem: string) => string | undefined | Promise<string | undefined>

/** The site as this client sees it. */
export function siteOf ({ site }: RouteContext, request: FastifyRequest): Site {
  return { ...site, base: urlFor(request, site.base) }
}

/** Whether this client gets pages from this registration. */
export function showsPages ({ options }: RouteContext, request: FastifyRequest): boolean {
  return options.pages && wantsPage(request)
}

/** @param policy - Default is the one without scripts. */
export function sendPage (reply: FastifyReply, page: string, policy = contentSecurityPolicy): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', policy)
    .header('x-frame-options', 'DENY')
    .header('x-content-type-options', 'nosniff')
    .send(page)
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
export function withForm (context: RouteContext, page: FormPage): Pick<RouteShorthandOptions, 'errorHandler'> {
  return { errorHandler: (error, request, reply) => sendRefusal(context, error, request, reply, page) }
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
    const { code, message } = refusal
    const offset = refusal instanceof InvalidCodeError ? refusal.clockOffset : undefined
    const more = offset === undefined ? urlOf(refusal) : { clockOffset: offset }
    return reply.send({ statusCode: status, code, error: STATUS_CODES[status], message, ...more })
  }
  const elsewhere = pageFor(context, refusal)
  if (elsewhere !== undefined) {
    return reply.redirect(withQuery(elsewhere, wayBack(context, request, refusal)), 303)
  }
  const page = await form?.(request, `${refusal.message}.`)
  return sendPage(reply, page ?? errorPage(siteOf(context, request), { message: refusal.message, status }))
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
    return error instanceof InvalidCodeError ? new InvalidCodeError({ clockOffset: error.clockOffset }) : error
  }
  return new UnavailableError({ cause: error })
}
