import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { nameFieldOf, removePage } from '../pages/authenticators.js'
import { beforeRemoval } from '../request/authenticators.js'
import { sendPage, showsPages, siteOf, toSettings, withForm, type RouteContext } from './replies.js'
import {
  authenticatorParams as params, authenticatorReply, authenticatorsReply, errors, removalReply, removedReply, renameBody
} from './schemas.js'
import { refusedSettings } from './settings.js'

interface OfAuthenticator { Params: { authenticatorId: string } }
interface Rename extends OfAuthenticator { Body: { name: string } }

/** `GET /authenticators`, and `GET /authenticators/:authenticatorId/remove`: what a removal will do. */
export function authenticatorPageRoutes (scope: FastifyInstance, context: RouteContext): void {
  const list = { summary: 'Your authenticators', response: { 200: authenticatorsReply, ...errors } }
  scope.get('/authenticators', { schema: list }, async (request, reply) => {
    const authenticators = await request.twoFactor.authenticators()
    return showsPages(context, request) ? toSettings(context, request, reply) : { authenticators }
  })

  const before = { summary: 'What a removal will do', params, response: { 200: removalReply, ...errors } }
  const form = withForm(context, (request, problem) => refusedSettings(context, request, problem))
  scope.get<OfAuthenticator>(
    '/authenticators/:authenticatorId/remove', { schema: before, ...form }, async (request, reply) => {
      const removal = await beforeRemoval(request, context, request.params.authenticatorId)
      if (!showsPages(context, request)) return removal
      return sendPage(reply, removePage(siteOf(context, request), removal))
    })
}

/** `PATCH` and `DELETE /authenticators/:authenticatorId`, and the same as `POST`, which forms can send. */
export function authenticatorRoutes (scope: FastifyInstance, context: RouteContext): void {
  const path = '/authenticators/:authenticatorId'
  const rename = {
    schema: { summary: 'Rename an authenticator', params, body: renameBody, response: { 200: authenticatorReply, ...errors } },
    ...withForm(context, (request, problem) => {
      const { authenticatorId } = request.params as OfAuthenticator['Params']
      return refusedSettings(context, request, problem, nameFieldOf(authenticatorId))
    }),
    async handler (request: FastifyRequest<Rename>, reply: FastifyReply) {
      const { params: { authenticatorId }, body: { name } } = request
      const renamed = await request.twoFactor.renameAuthenticator(authenticatorId, name.trim())
      return showsPages(context, request) ? toSettings(context, request, reply) : renamed
    }
  }
  scope.patch<Rename>(path, rename)
  scope.post<Rename>(`${path}/rename`, rename)

  const remove = {
    schema: { summary: 'Remove an authenticator', params, response: { 200: removedReply, ...errors } },
    ...withForm(context, (request, problem) => refusedSettings(context, request, problem)),
    async handler (request: FastifyRequest<OfAuthenticator>, reply: FastifyReply) {
      const removed = await request.twoFactor.removeAuthenticator(request.params.authenticatorId)
      return showsPages(context, request) ? toSettings(context, request, reply) : removed
    }
  }
  scope.delete<OfAuthenticator>(path, remove)
  scope.post<OfAuthenticator>(`${path}/remove`, remove)
}
