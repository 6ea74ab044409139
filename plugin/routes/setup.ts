import type { FastifyInstance, FastifyRequest } from 'fastify'
import { currentUser, urlFor } from '../access.js'
import { withQuery } from '../browser.js'
import { recoveryCodesPage } from '../pages/recovery-codes.js'
import { authenticatorAddedPage, setupPage } from '../pages/setup.js'
import { scriptedContentSecurityPolicy } from '../pages/style.js'
import { pendingSetup } from '../request.js'
import type { PendingSetup } from '../service/setup.js'
import { nextOf, sendPage, showsPages, siteOf, wayOf, withForm, type RouteContext } from './replies.js'
import { confirmBody, confirmReply, errors, nextQuery, setupReply } from './schemas.js'

/** `GET /setup`: the QR code, of the pending setup if there is one, so that a page that is loaded again still fits. */
export function setupPageRoute (scope: FastifyInstance, context: RouteContext): void {
  const schema = {
    summary: 'Set up an authenticator', querystring: nextQuery, response: { 200: setupReply, ...errors }
  }
  scope.get('/setup', { schema }, async (request, reply) => {
    const pending = await pendingSetup(request, context) ?? await request.twoFactor.beginSetup()
    if (!showsPages(context, request)) return pending
    return sendPage(reply, await page(context, request, pending))
  })
}

/** `POST /setup` and `POST /setup/confirm`. */
export function setupRoutes (scope: FastifyInstance, context: RouteContext): void {
  const begin = { summary: 'Start to set up an authenticator', response: { 200: setupReply, ...errors } }
  scope.post('/setup', { schema: begin }, async (request, reply) => {
    const pending = await request.twoFactor.beginSetup()
    if (!showsPages(context, request)) return pending
    return reply.redirect(withQuery(urlFor(request, context.setupUrl), { next: nextOf(request) }), 303)
  })

  const confirm = {
    summary: 'Confirm a setup by its first code',
    body: confirmBody(context.options.digits),
    response: { 200: confirmReply, ...errors }
  }
  const form = withForm(context, async (request, problem) => {
    const pending = await pendingSetup(request, context).catch(() => undefined)
    return pending && page(context, request, pending, problem)
  })
  scope.post<{ Body: { code: string, name?: string, setupToken?: string } }>(
    '/setup/confirm', { schema: confirm, ...form }, async (request, reply) => {
      const { code, name, setupToken } = request.body
      const confirmed = await request.twoFactor.confirmSetup(code, { name: name?.trim() || undefined, setupToken })
      if (!showsPages(context, request)) return confirmed

      const way = wayOf(request)
      const { recoveryCodes: codes } = confirmed
      if (codes.length === 0) return sendPage(reply, authenticatorAddedPage(siteOf(context, request), way))
      const shown = recoveryCodesPage(siteOf(context, request), { codes, ...way, title: 'Two-factor authentication is on' })
      return sendPage(reply, shown, scriptedContentSecurityPolicy)
    })
}

async function page (
  context: RouteContext, request: FastifyRequest, pending: PendingSetup, problem?: string
): Promise<string> {
  const { id, label } = await currentUser(context, request)
  const { digits } = context.options
  // What is said of it is not worth the setup: a policy that fails must not keep anybody from that.
  const requirement = await context.service.isEnabled(id)
    ? undefined
    : await request.twoFactor.requirement().catch(() => undefined)
  return setupPage(siteOf(context, request), { pending, label, digits, ...wayOf(request), problem, requirement })
}
