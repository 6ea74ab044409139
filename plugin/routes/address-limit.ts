import rateLimit, { type RateLimitPluginOptions } from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { TooManyRequestsError } from '../errors.js'

/**
 * Limits the requests of one address to the routes of a context. By an instance of its own, so that a limiter of the
 * host neither replaces nor silences it.
 *
 * A Redis that does not answer within `patience` milliseconds has failed: a client waits for ever by itself.
 *
 * @param given - What the host said of it. `false`: no limit.
 * @param defaults - `max` requests a minute, counted under `nameSpace`.
 */
export async function limitAddresses (
  scope: FastifyInstance, given: RateLimitPluginOptions | false,
  { patience, ...defaults }: { readonly max: number, readonly nameSpace: string, readonly patience: number }
): Promise<void> {
  if (given === false) return
  const redis: unknown = given.redis
  await scope.register(rateLimit, {
    ...defaults,
    timeWindow: 60_000,
    ...given,
    ...(typeof redis === 'object' && redis !== null && { redis: impatient(redis, patience) }),
    errorResponseBuilder: () => new TooManyRequestsError()
  })
}

type Callback = (error: Error | null, ...results: unknown[]) => void

/** The same client, where each command that is given a callback calls it in time. */
function impatient<Client extends object> (client: Client, patience: number): Client {
  const bounded = (given: unknown) => typeof given === 'function' ? inTime(given as Callback, patience) : given
  return new Proxy(client, {
    get (target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      return (...given: unknown[]) => Reflect.apply(value, target, given.map(bounded)) as unknown
    }
  })
}

/** Calls it once, also if nobody else does. */
function inTime (callback: Callback, patience: number): Callback {
  let isCalled = false
  const settle: Callback = (...given) => {
    clearTimeout(timer)
    if (!isCalled) callback(...given)
    isCalled = true
  }
  const timer = setTimeout(settle, patience, new Error(`Redis did not answer within ${patience} ms`))
  return settle
}
