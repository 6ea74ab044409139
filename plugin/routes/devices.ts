import type { FastifyRequest } from 'fastify'
import type { TrustedDevice } from '../request/devices.js'
import { deviceExample } from './examples.js'
import { operation } from './operation.js'
import { showsPages, toSettings, type RouteContext } from './replies.js'
import { deviceParams as params, devicesReply, revokedReply } from './schemas.js'
import type { TypedScope } from './schema-types.js'

/** `GET /devices`. Pages have the list in the settings. */
export function deviceListRoute (scope: TypedScope, context: RouteContext): void {
  const list = operation(context, {
    operationId: 'twoFactorListDevices',
    summary: 'Your trusted devices',
    description: 'Those that are not asked for a code, the oldest first.',
    reply: devicesReply,
    example: { devices: [deviceExample] },
    refusals: ['required', 'setupRequired']
  })
  scope.get('/devices', list, async (request, reply) => {
    const devices = await request.twoFactor.devices()
    return showsPages(context, request) ? toSettings(context, request, reply) : { devices }
  })
}

/** `DELETE /devices/:deviceId` and `DELETE /devices`, and the same as `POST`, which forms can send. */
export function deviceRoutes (scope: TypedScope, context: RouteContext): void {
  const revoke = operation(context, {
    operationId: 'twoFactorRevokeDevice',
    summary: 'Revoke a trusted device',
    description: 'It is asked for a code again. The passes that it gave end, also that of this client.',
    reply: revokedReply,
    example: { revoked: 1 },
    refusals: ['required', 'setupRequired', 'unknownDevice']
  }, { params })
  for (const [method, url] of [['delete', '/devices/:deviceId'], ['post', '/devices/:deviceId/revoke']] as const) {
    const options = {
      ...revoke,
      schema: { ...revoke.schema, hide: method === 'post' }
    }
    scope[method](url, options, async (request, reply) => {
      await request.twoFactor.revokeDevice(request.params.deviceId)
      return showsPages(context, request) ? toSettings(context, request, reply) : { revoked: 1 }
    })
  }

  const revokeAll = operation(context, {
    operationId: 'twoFactorRevokeDevices',
    summary: 'Revoke all trusted devices',
    description: 'Each is asked for a code again.',
    reply: revokedReply,
    example: { revoked: 2 },
    refusals: ['required', 'setupRequired']
  })
  for (const [method, url] of [['delete', '/devices'], ['post', '/devices/revoke']] as const) {
    const options = {
      ...revokeAll,
      schema: { ...revokeAll.schema, hide: method === 'post' }
    }
    scope[method](url, options, async (request, reply) => {
      const revoked = await request.twoFactor.revokeDevices()
      return showsPages(context, request) ? toSettings(context, request, reply) : { revoked }
    })
  }
}

/** What the settings list: `undefined` if there is nothing to list, or not for this client. */
export async function devicesFor (
  { options }: RouteContext, request: FastifyRequest, { verified }: { readonly verified: boolean }
): Promise<readonly TrustedDevice[] | undefined> {
  return options.trustedDevices && verified ? request.twoFactor.devices() : undefined
}
