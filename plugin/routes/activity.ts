import type { FastifyRequest } from 'fastify'
import type { TwoFactorEvent } from '../events.js'
import type { RouteContext } from './replies.js'

/** What the settings tell of what happened: `undefined` if nothing is kept, or not for this client. */
export async function activityFor (
  { options }: RouteContext, request: FastifyRequest, { verified }: { readonly verified: boolean }
): Promise<readonly TwoFactorEvent[] | undefined> {
  return options.audit && verified ? request.twoFactor.events({ limit: 10 }) : undefined
}
