import type { FastifyRequest } from 'fastify'
import { currentUser, urlFor } from '../access.js'
import { withQuery } from '../browser.js'
import type { Page } from '../pages/page.js'
import { pendingSetup } from '../request.js'
import type { PendingSetup } from '../service/setup.js'
import { nextOf, sendPage, showsPages, viewOf, wayOf, withForm, type RouteContext } from './replies.js'
import { recoveryCodesExample, setupExample } from './examples.js'
import { operation } from './operation.js'
import type { TypedScope } from './schema-types.js'
import { confirmBody, confirmReply, errors, nextQuery, setupReply } from './schemas.js'

/** `GET /setup`: the QR code, of the pending setup if there is one, so that a page that is loaded again still fits. */
export function setupPageRoute (scope: TypedScope, context: RouteContext): void {
  const schema = {
    hide: true, summary: 'Set up an authenticator', querystring: nextQuery, response: { 200: setupReply, ...errors }
  }
  scope.get('/setup', { schema }, async (request, reply) => {
    const pending = await pendingSetup(request, context) ?? await request.twoFactor.beginSetup()
    if (!showsPages(context, request)) return pending
    return sendPage(context, reply, await page(context, request, pending))
  })
}

/** `POST /setup` and `POST /setup/confirm`. */
export function setupRoutes (scope: TypedScope, context: RouteContext): void {
  const begin = operation(context, {
    operationId: 'twoFactorBeginSetup',
    summary: 'Start to set up an authenticator',
    description: 'Nothing is written: the setup is pending until its first code. It takes the place of a pending one.',
    reply: setupReply,
    example: setupExample,
    refusals: ['required']
  })
  scope.post('/setup', begin, async (request, reply) => {
    const pending = await request.twoFactor.beginSetup()
    if (!showsPages(context, request)) return pending
    return reply.redirect(withQuery(urlFor(request, context.setupUrl), { next: nextOf(request) }), 303)
  })

  const confirm = operation(context, {
    operationId: 'twoFactorConfirmSetup',
    summary: 'Confirm a setup by its first code',
    description: 'The client has passed then. With the first authenticator comes a set of recovery codes.',
    reply: confirmReply,
    example: { enabled: true, recoveryCodes: recoveryCodesExample },
    bodyExample: { code: '123456', name: 'Phone' },
    refusals: ['invalidCode', 'clockOff', 'alreadyEnabled', 'authenticatorLimit', 'setupExpired'],
    browser: 'page'
  }, { body: confirmBody(context.options.digits) })
  const form = withForm(context, async (request, problem) => {
    const pending = await pendingSetup(request, context).catch(() => undefined)
    return pending && page(context, request, pending, problem)
  })
  scope.post('/setup/confirm', { ...confirm, ...form }, async (request, reply) => {
    const { code, name, setupToken } = request.body
    const shown = showsPages(context, request)
    const unnamed = shown ? (await viewOf(context, reply)).messages.unnamedAuthenticator : undefined
    const confirmed = await request.twoFactor.confirmSetup(code, { name: name?.trim() || unnamed, setupToken })
    if (!shown) return confirmed

    const way = wayOf(request)
    const { recoveryCodes: codes } = confirmed
    if (codes.length === 0) return sendPage(context, reply, { name: 'authenticator-added', ...way })
    return sendPage(context, reply, { name: 'recovery-codes', codes, renewed: false, ...way })
  })
}

async function page (
  context: RouteContext, request: FastifyRequest, pending: PendingSetup, problem?: string
): Promise<Page> {
  const { id, label } = await currentUser(context, request)
  const { digits } = context.options
  // What is said of it is not worth the setup: a policy that fails must not keep anybody from that.
  const requirement = await context.service.isEnabled(id)
    ? undefined
    : await request.twoFactor.requirement().catch(() => undefined)
  return { name: 'setup', pending, label, digits, ...wayOf(request), problem, requirement }
}
