import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { BadMethodError, UnknownPathError } from './errors.js'
import { loggable } from './request-log.js'

/** One path of the service. */
export interface Endpoint {
  /** As the public service writes it; requests may write it in any case. */
  readonly path: string
  /** As in the `Allow` header. */
  readonly allowed: 'GET, HEAD' | 'GET, HEAD, POST'
  readonly handler: (request: FastifyRequest, reply: FastifyReply) => unknown
}

/**
 * Adds paths for every method: what is not allowed is refused here, since elsewhere it is logged with its query.
 *
 * @param pattern - Route with the endpoint's name as its parameter `endpoint`. To the router all patterns of one shape
 * are one route, so it should be a shape that no host has a use for.
 * @param endpoints - By name in lower case.
 */
export function addEndpoints (
  scope: FastifyInstance, pattern: string, endpoints: Readonly<Record<string, Endpoint>>
): void {
  // The log may be given what is no request of Fastify's.
  const find = ({ params }: Partial<FastifyRequest>): Endpoint | undefined => {
    const { endpoint = '' } = (params ?? {}) as { endpoint?: string }
    return endpoints[endpoint.toLowerCase()]
  }

  scope.all(pattern, {
    ...unguarded,
    logSerializers: { req: request => loggable(request, scope.prefix + (find(request)?.path ?? '/*')) },
    onRequest: [async request => {
      const allowed = find(request)?.allowed
      if (allowed === undefined) throw new UnknownPathError()
      if (!allowed.split(', ').includes(request.method)) throw new BadMethodError(allowed)
    }],
    handler: (request, reply) => find(request)?.handler(request, reply)
  })
}

/**
 * Answers for the rest of a prefix, so that a mistyped path is not logged with its query either. Fastify's own
 * not-found handlers write the URL into the log as text, which no serializer sees.
 */
export function addUnknownPaths (scope: FastifyInstance): void {
  for (const path of ['/', '/*']) {
    scope.all(path, {
      ...unguarded,
      logSerializers: { req: request => loggable(request, `${scope.prefix}/*`) },
      // Before a body is read.
      onRequest: [async () => { throw new UnknownPathError() }],
      handler: async () => {}
    })
  }
}

/** A pattern of these texts in any case, whether or not the host's router minds it: `[aA][pP][iI]`. */
export function anyCase (...texts: string[]): string {
  return texts.join('|').replace('.', '\\.').replace(/[a-z]/gi, letter => `[${letter.toLowerCase()}${letter.toUpperCase()}]`)
}

/** The clients of this server are no users of its host, which may guard all its routes. */
const unguarded = { config: { twoFactor: false } } as const
