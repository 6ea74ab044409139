import type { FastifyRequest } from 'fastify'
import type { Page } from '../pages/page.js'
import { devicesFor } from './devices.js'
import { nextOf, sendPage, showsPages, siteOf, toSettings, withForm, type RouteContext } from './replies.js'
import { recoveryCodesExample } from './examples.js'
import { operation } from './operation.js'
import type { TypedScope } from './schema-types.js'
import { disableBody, disableReply, recoveryCodesReply } from './schemas.js'

/** `POST /recovery-codes` and `POST /disable`. */
export function settingsRoutes (scope: TypedScope, context: RouteContext): void {
  const regenerate = operation(context, {
    operationId: 'twoFactorRegenerateRecoveryCodes',
    summary: 'Replace the recovery codes',
    description: 'Those from before are worthless then. Asks for a pass that is fresh.',
    reply: recoveryCodesReply,
    example: { recoveryCodes: recoveryCodesExample },
    refusals: ['required', 'notEnabled'],
    browser: 'page'
  })
  scope.post('/recovery-codes', regenerate, async (request, reply) => {
    const codes = await request.twoFactor.regenerateRecoveryCodes()
    if (!showsPages(context, request)) return { recoveryCodes: codes }
    const next = nextOf(request) ?? `${siteOf(context, request).base}/`
    return sendPage(context, reply, { name: 'recovery-codes', codes, renewed: true, next })
  })

  const disable = operation(context, {
    operationId: 'twoFactorDisable',
    summary: 'Turn two-factor authentication off',
    description: 'By a code of an authenticator or a recovery code, for a client that has passed.',
    reply: disableReply,
    example: { enabled: false },
    bodyExample: { code: '123456' },
    refusals: ['invalidCode', 'clockOff', 'required', 'notEnabled', 'mustKeep', 'locked', 'disabled']
  }, { body: disableBody(context.options.digits) })
  const form = withForm(context, (request, problem) => refusedSettings(context, request, problem, 'code'))
  scope.post('/disable', { ...disable, ...form }, async (request, reply) => {
    await request.twoFactor.disable(request.body.code)
    if (!showsPages(context, request)) return { enabled: false } as const
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
): Promise<Page | undefined> {
  const status = await request.twoFactor.status().catch(() => undefined)
  const devices = status && await devicesFor(context, request, status).catch(() => undefined)
  const { digits } = context.options
  return status && { name: 'settings', status, devices, digits, problem, field }
}
