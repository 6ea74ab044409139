import type { FastifyInstance, FastifyRequest } from 'fastify'
import { settingsPage } from '../pages/settings.js'
import { recoveryCodesPage } from '../pages/recovery-codes.js'
import { scriptedContentSecurityPolicy } from '../pages/style.js'
import { devicesFor } from './devices.js'
import { nextOf, sendPage, showsPages, siteOf, toSettings, withForm, type RouteContext } from './replies.js'
import { disableBody, disableReply, errors, recoveryCodesReply } from './schemas.js'

/** `POST /recovery-codes` and `POST /disable`. */
export function settingsRoutes (scope: FastifyInstance, context: RouteContext): void {
  const regenerate = { summary: 'Replace the recovery codes', response: { 200: recoveryCodesReply, ...errors } }
  scope.post('/recovery-codes', { schema: regenerate }, async (request, reply) => {
    const codes = await request.twoFactor.regenerateRecoveryCodes()
    if (!showsPages(context, request)) return { recoveryCodes: codes }
    const next = nextOf(request) ?? `${siteOf(context, request).base}/`
    const page = recoveryCodesPage(siteOf(context, request), { codes, next, title: 'Your new recovery codes' })
    return sendPage(reply, page, scriptedContentSecurityPolicy)
  })

  const disable = {
    summary: 'Turn two-factor authentication off',
    body: disableBody(context.options.digits),
    response: { 200: disableReply, ...errors }
  }
  const form = withForm(context, (request, problem) => refusedSettings(context, request, problem, 'code'))
  scope.post<{ Body: { code: string } }>('/disable', { schema: disable, ...form }, async (request, reply) => {
    await request.twoFactor.disable(request.body.code)
    if (!showsPages(context, request)) return { enabled: false }
    return toSettings(context, request, reply)
  })
}

/**
 * The settings again, with what was wrong.
 *
 * @param field - Id of the field that it was wrong with.
 */
export async function refusedSettings (
  context: RouteContext, request: FastifyRequest, problem: string, field?: string
): Promise<string | undefined> {
  const status = await request.twoFactor.status().catch(() => undefined)
  const devices = status && await devicesFor(context, request, status).catch(() => undefined)
  const { digits } = context.options
  return status && settingsPage(siteOf(context, request), { status, devices, digits, problem, field })
}
