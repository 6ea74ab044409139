import type { FastifyInstance } from 'fastify'
import { settingsPage } from '../pages/settings.js'
import { activityFor } from './activity.js'
import { devicesFor } from './devices.js'
import { sendPage, showsPages, siteOf, type RouteContext } from './replies.js'
import { errors, statusReply } from './schemas.js'

/** `GET /`: the state of the signed-in user's two-factor authentication, or the page to change it. */
export function statusRoute (scope: FastifyInstance, context: RouteContext): void {
  const schema = { summary: 'State of two-factor authentication', response: { 200: statusReply, ...errors } }
  scope.get('/', { schema }, async (request, reply) => {
    const status = await request.twoFactor.status()
    if (!showsPages(context, request)) return status
    const devices = await devicesFor(context, request, status)
    const activity = await activityFor(context, request, status)
    const { digits } = context.options
    return sendPage(reply, settingsPage(siteOf(context, request), { status, devices, activity, digits }))
  })
}
