import { activityFor } from './activity.js'
import { devicesFor } from './devices.js'
import { sendPage, showsPages, type RouteContext } from './replies.js'
import { statusExample } from './examples.js'
import { operation } from './operation.js'
import type { TypedScope } from './schema-types.js'
import { statusReply } from './schemas.js'

/** `GET /`: the state of the signed-in user's two-factor authentication, or the page to change it. */
export function statusRoute (scope: TypedScope, context: RouteContext): void {
  const status = operation(context, {
    operationId: 'twoFactorStatus',
    summary: 'State of two-factor authentication',
    description: 'What this client may know of it. A trusted device passes by this.',
    reply: statusReply,
    example: statusExample,
    browser: 'page'
  })
  scope.get('/', status, async (request, reply) => {
    const status = await request.twoFactor.status()
    if (!showsPages(context, request)) return status
    const devices = await devicesFor(context, request, status)
    const activity = await activityFor(context, request, status)
    const { digits } = context.options
    return sendPage(context, reply, { name: 'settings', status, devices, activity, digits })
  })
}
