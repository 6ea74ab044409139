import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { TrustedDevice } from '../request/devices.js'
import { showsPages, toSettings, type RouteContext } from './replies.js'
import { deviceParams as params, devicesReply, errors, revokedReply } from './schemas.js'

interface OfDevice { Params: { deviceId: string } }

/** `GET /devices`. Pages have the list in the settings. */
export function deviceListRoute (scope: FastifyInstance, context: RouteContext): void {
  const schema = { summary: 'Your trusted devices', response: { 200: devicesReply, ...errors } }
  scope.get('/devices', { schema }, async (request, reply) => {
    const devices = await request.twoFactor.devices()
    return showsPages(context, request) ? toSettings(context, request, reply) : { devices }
  })
}

/** `DELETE /devices/:deviceId` and `DELETE /devices`, and the same as `POST`, which forms can send. */
export function deviceRoutes (scope: FastifyInstance, context: RouteContext): void {
  const revoke = {
    schema: { summary: 'Revoke a trusted device', params, response: { 200: revokedReply, ...errors } },
    async handler (request: FastifyRequest<OfDevice>, reply: FastifyReply) {
      await request.twoFactor.revokeDevice(request.params.deviceId)
      return showsPages(context, request) ? toSettings(context, request, reply) : { revoked: 1 }
    }
  }
  scope.delete<OfDevice>('/devices/:deviceId', revoke)
  scope.post<OfDevice>('/devices/:deviceId/revoke', revoke)

  const revokeAll = {
    schema: { summary: 'Revoke all trusted devices', response: { 200: revokedReply, ...errors } },
    async handler (request: FastifyRequest, reply: FastifyReply) {
      const revoked = await request.twoFactor.revokeDevices()
      return showsPages(context, request) ? toSettings(context, request, reply) : { revoked }
    }
  }
  scope.delete('/devices', revokeAll)
  scope.post('/devices/revoke', revokeAll)
}

/** What the settings list: `undefined` if there is nothing to list, or not for this client. */
export async function devicesFor (
  { options }: RouteContext, request: FastifyRequest, { verified }: { readonly verified: boolean }
): Promise<readonly TrustedDevice[] | undefined> {
  return options.trustedDevices && verified ? request.twoFactor.devices() : undefined
}
