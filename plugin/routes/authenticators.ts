import { nameFieldOf } from '../pages/authenticators.js'
import { beforeRemoval } from '../request/authenticators.js'
import { sendPage, showsPages, toSettings, withForm, type RouteContext } from './replies.js'
import { authenticatorExample } from './examples.js'
import { operation } from './operation.js'
import type { FromSchema, TypedScope } from './schema-types.js'
import {
  authenticatorParams as params, authenticatorReply, authenticatorsReply, errors, removalReply, removedReply, renameBody
} from './schemas.js'
import { refusedSettings } from './settings.js'

/** `GET /authenticators`, and `GET /authenticators/:authenticatorId/remove`: what a removal will do. */
export function authenticatorPageRoutes (scope: TypedScope, context: RouteContext): void {
  const list = operation(context, {
    operationId: 'twoFactorListAuthenticators',
    summary: 'Your authenticators',
    description: 'The oldest first.',
    reply: authenticatorsReply,
    example: { authenticators: [authenticatorExample] },
    refusals: ['required', 'setupRequired']
  })
  scope.get('/authenticators', list, async (request, reply) => {
    const authenticators = await request.twoFactor.authenticators()
    return showsPages(context, request) ? toSettings(context, request, reply) : { authenticators }
  })

  const before = { hide: true, summary: 'What a removal will do', params, response: { 200: removalReply, ...errors } }
  const form = withForm(context, (request, problem) => refusedSettings(context, request, problem))
  scope.get(
    '/authenticators/:authenticatorId/remove', { schema: before, ...form }, async (request, reply) => {
      const removal = await beforeRemoval(request, context, request.params.authenticatorId)
      if (!showsPages(context, request)) return removal
      return sendPage(context, reply, { name: 'remove-authenticator', ...removal })
    })
}

/** `PATCH` and `DELETE /authenticators/:authenticatorId`, and the same as `POST`, which forms can send. */
export function authenticatorRoutes (scope: TypedScope, context: RouteContext): void {
  const path = '/authenticators/:authenticatorId'
  const rename = operation(context, {
    operationId: 'twoFactorRenameAuthenticator',
    summary: 'Rename an authenticator',
    description: 'For a client that has passed.',
    reply: authenticatorReply,
    example: authenticatorExample,
    bodyExample: { name: 'Phone' },
    refusals: ['required', 'setupRequired', 'unknownAuthenticator']
  }, { params, body: renameBody })
  for (const [method, url] of [['patch', path], ['post', `${path}/rename`]] as const) {
    const options = {
      ...rename,
      schema: { ...rename.schema, hide: method === 'post' },
      ...withForm(context, (request, problem) => {
        const { authenticatorId } = request.params as FromSchema<typeof params>
        return refusedSettings(context, request, problem, nameFieldOf(authenticatorId))
      })
    }
    scope[method](url, options, async (request, reply) => {
      const { params: { authenticatorId }, body: { name } } = request
      const renamed = await request.twoFactor.renameAuthenticator(authenticatorId, name.trim())
      return showsPages(context, request) ? toSettings(context, request, reply) : renamed
    })
  }

  const remove = operation(context, {
    operationId: 'twoFactorRemoveAuthenticator',
    summary: 'Remove an authenticator',
    description: 'Ends the passes of all other clients. Without the last authenticator, two-factor authentication is off.',
    reply: removedReply,
    example: { removed: true, enabled: true },
    refusals: ['required', 'unknownAuthenticator', 'notEnabled', 'lastAuthenticator']
  }, { params })
  for (const [method, url] of [['delete', path], ['post', `${path}/remove`]] as const) {
    const options = {
      ...remove,
      schema: { ...remove.schema, hide: method === 'post' },
      ...withForm(context, (request, problem) => refusedSettings(context, request, problem))
    }
    scope[method](url, options, async (request, reply) => {
      const removed = await request.twoFactor.removeAuthenticator(request.params.authenticatorId)
      return showsPages(context, request) ? toSettings(context, request, reply) : removed
    })
  }
}
