import type { FastifyContextConfig } from 'fastify'
import type { Registration } from '../access.js'
import { describeRoute, type RouteDetails } from './openapi.js'
import { errors } from './schemas.js'
import type { FromSchema } from './schema-types.js'

/** Schemas of what a route takes. */
interface Taken {
  readonly params?: object
  readonly querystring?: object
  readonly body?: object
}

interface Operation<Reply, Takes> extends RouteDetails {
  readonly operationId: string
  readonly description: string
  /** Schema of its answer. */
  readonly reply: Reply
  readonly example: FromSchema<Reply>
  readonly bodyExample?: Takes extends { readonly body: infer Body } ? FromSchema<Body> : never
}

/**
 * What a route is: the schemas that hold it and type its handler, and what documents of the API tell of it, which is
 * made only when one is asked for (`@fastify/swagger`).
 *
 * @param takes - Schemas of what it takes.
 */
export function operation<const Reply extends object, const Takes extends Taken = Record<never, never>> (
  registration: Registration, { reply, operationId, description, ...details }: Operation<Reply, NoInfer<Takes>>,
  takes: Takes = {} as Takes
) {
  const { summary, backOffice = false } = details
  const tags = [backOffice ? 'Two-factor back office' : 'Two-factor authentication']
  return {
    schema: { operationId, summary, description, tags, ...takes, response: { 200: reply, ...errors } },
    config: { swaggerTransform: describeRoute(registration, details) } as FastifyContextConfig
  }
}
