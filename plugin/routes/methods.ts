import type { FastifyInstance, FastifyRequest } from 'fastify'
import { withQuery } from '../browser.js'
import { UnknownMethodError } from '../errors.js'
import { methodPage } from '../pages/method.js'
import { nextOf, sendPage, showsPages, siteOf, withForm, type RouteContext } from './replies.js'
import { errors, methodParams as params, methodsReply, nextBody, nextQuery, proofBody, startReply, verifyReply } from './schemas.js'

interface OfMethod { Params: { method: string } }

/** `GET /methods`, and for browsers the page of one. */
export function methodPageRoutes (scope: FastifyInstance, context: RouteContext): void {
  const list = { summary: 'Other ways to pass', response: { 200: methodsReply, ...errors } }
  scope.get('/methods', { schema: list }, async request => ({ methods: await request.twoFactor.methods() }))

  const one = { summary: 'Page of another way to pass', params, querystring: nextQuery, response: { 200: methodsReply, ...errors } }
  scope.get<OfMethod>('/methods/:method', { schema: one }, async (request, reply) => {
    if (!showsPages(context, request)) return { methods: await request.twoFactor.methods() }
    return sendPage(reply, await page(context, request))
  })
}

/** `POST /methods/:method/start` and `POST /methods/:method`. */
export function methodRoutes (scope: FastifyInstance, context: RouteContext): void {
  const start = { summary: 'Begin another way to pass', params, body: nextBody, response: { 200: startReply, ...errors } }
  scope.post<OfMethod>('/methods/:method/start', { schema: start }, async (request, reply) => {
    const { method } = request.params
    await request.twoFactor.startMethod(method)
    if (!showsPages(context, request)) return { started: true }
    return reply.redirect(withQuery(`${siteOf(context, request).base}/methods/${method}`, { next: nextOf(request) }), 303)
  })

  const verify = { summary: 'Pass by another way', params, body: proofBody, response: { 200: verifyReply, ...errors } }
  const form = withForm(context, (request, problem) => page(context, request, problem).catch(() => undefined))
  scope.post<OfMethod & { Body: { proof: string } }>('/methods/:method', { schema: verify, ...form }, async (request, reply) => {
    const verified = await request.twoFactor.verifyBy(request.params.method, request.body.proof)
    if (!showsPages(context, request)) return verified
    return reply.redirect(nextOf(request) ?? context.options.defaultRedirect, 303)
  })
}

async function page (context: RouteContext, request: FastifyRequest, problem?: string): Promise<string> {
  const { method: wanted } = request.params as OfMethod['Params']
  const method = (await request.twoFactor.methods()).find(({ name }) => name === wanted)
  if (!method) throw new UnknownMethodError()
  return methodPage(siteOf(context, request), { method, next: nextOf(request), problem })
}
