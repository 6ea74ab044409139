import type { FastifyInstance, FastifyRequest } from 'fastify'
import { RequiredError, SetupRequiredError } from './errors.js'

type Refusal = RequiredError | SetupRequiredError

const refusals = new WeakMap<FastifyRequest, Refusal>()

/** Remembers why a request is refused, so that the answer can say where to go. */
export function refused (request: FastifyRequest, refusal: Refusal): Refusal {
  refusals.set(request, refusal)
  return refusal
}

/**
 * Adds `verifyUrl` or `setupUrl` to the JSON body of a refusal. The error itself goes through the host's own error
 * handler, which knows nothing of these; a body that is no longer in Fastify's shape is left as the host made it.
 */
export function addRefusalUrls (fastify: FastifyInstance): void {
  fastify.addHook('onSend', (request, reply, payload, done) => {
    const refusal = reply.statusCode === 403 ? refusals.get(request) : undefined
    done(null, refusal && typeof payload === 'string' ? withUrl(payload, refusal) : payload)
  })
}

/** What the JSON body of an error has beyond Fastify's own fields. */
export function urlOf (error: unknown): { verifyUrl: string } | { setupUrl: string } | undefined {
  if (error instanceof RequiredError) return { verifyUrl: error.verifyUrl }
  if (error instanceof SetupRequiredError) return { setupUrl: error.setupUrl }
}

function withUrl (payload: string, refusal: Refusal): string {
  try {
    const body: unknown = JSON.parse(payload)
    if (typeof body !== 'object' || body === null || !('code' in body) || body.code !== refusal.code) return payload
    return JSON.stringify({ ...body, ...urlOf(refusal) })
  } catch {
    return payload
  }
}
