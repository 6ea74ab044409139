import rateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { TooManyRequestsError } from '../errors.js'

/**
 * Limits the requests of one address to the routes of a context. By an instance of its own, so that a limiter of the
 * host neither replaces nor silences it.
 *
 * @param given - What the host said of it. `false`: no limit.
 * @param defaults - `max` requests a minute, counted under `nameSpace`.
 */
export async function limitAddresses (
  scope: FastifyInstance, given: RateLimitPluginOptions | false,
  defaults: { readonly max: number, readonly nameSpace: string }
): Promise<void> {
  if (given === false) return
  await scope.register(rateLimit, {
    ...defaults, timeWindow: 60_000, ...given, errorResponseBuilder: () => new TooManyRequestsError()
  })
}
