import type { FastifyRequest } from 'fastify'
import { withQuery } from '../browser.js'
import { UnknownMethodError } from '../errors.js'
import type { Page } from '../pages/page.js'
import { operation } from './operation.js'
import { nextOf, sendPage, showsPages, siteOf, withForm, type RouteContext } from './replies.js'
import { errors, methodParams as params, methodsReply, nextBody, nextQuery, proofBody, startReply, verifyReply } from './schemas.js'
import type { FromSchema, TypedScope } from './schema-types.js'

/** `GET /methods`, and for browsers the page of one. */
export function methodPageRoutes (scope: TypedScope, context: RouteContext): void {
  const list = operation(context, {
    operationId: 'twoFactorListMethods',
    summary: 'Other ways to pass',
    description: 'Those of the host that this user has. None without two-factor authentication.',
    reply: methodsReply,
    example: { methods: [{ name: 'mail', label: 'Send me a code by e-mail' }] },
    browser: 'nothing'
  })
  scope.get('/methods', list, async request => ({ methods: await request.twoFactor.methods() }))

  const one = { hide: true, summary: 'Page of another way to pass', params, querystring: nextQuery, response: { 200: methodsReply, ...errors } }
  scope.get('/methods/:method', { schema: one }, async (request, reply) => {
    if (!showsPages(context, request)) return { methods: await request.twoFactor.methods() }
    return sendPage(context, reply, await page(request))
  })
}

/** `POST /methods/:method/start` and `POST /methods/:method`. */
export function methodRoutes (scope: TypedScope, context: RouteContext): void {
  const start = operation(context, {
    operationId: 'twoFactorStartMethod',
    summary: 'Begin another way to pass',
    description: 'Such as by having a code sent.',
    reply: startReply,
    example: { started: true },
    refusals: ['unknownMethod']
  }, { params, body: nextBody })
  scope.post('/methods/:method/start', start, async (request, reply) => {
    const { method } = request.params
    await request.twoFactor.startMethod(method)
    if (!showsPages(context, request)) return { started: true } as const
    return reply.redirect(withQuery(`${siteOf(context, request).base}/methods/${method}`, { next: nextOf(request) }), 303)
  })

  const verify = operation(context, {
    operationId: 'twoFactorVerifyByMethod',
    summary: 'Pass by another way',
    description: 'Counted with the wrong codes of the account.',
    reply: verifyReply,
    example: { verified: true },
    bodyExample: { proof: '482913' },
    refusals: ['invalidCode', 'unknownMethod', 'locked']
  }, { params, body: proofBody })
  const form = withForm(context, (request, problem) => page(request, problem).catch(() => undefined))
  scope.post('/methods/:method', { ...verify, ...form }, async (request, reply) => {
    const verified = await request.twoFactor.verifyBy(request.params.method, request.body.proof)
    if (!showsPages(context, request)) return verified
    return reply.redirect(nextOf(request) ?? context.options.defaultRedirect, 303)
  })
}

async function page (request: FastifyRequest, problem?: string): Promise<Page> {
  const { method: wanted } = request.params as FromSchema<typeof params>
  const method = (await request.twoFactor.methods()).find(({ name }) => name === wanted)
  if (!method) throw new UnknownMethodError()
  return { name: 'method', method, next: nextOf(request), problem }
}
