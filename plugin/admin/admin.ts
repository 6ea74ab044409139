import type { FastifyInstance, FastifyReply, FastifyRequest, HookHandlerDoneFunction } from 'fastify'
import { registrationOf } from '../access.js'
import { BadOptionError, ForbiddenError, UnavailableError, UnknownUserError } from '../errors.js'
import { checkOption, refuseUnknown } from '../option-checks.js'
import { checkPolicy, type TwoFactorPolicy } from '../policy.js'
import { refuseCrossOrigin } from '../routes/cross-origin.js'
import { parseStrictly } from '../routes/parsers.js'
import type { SchemaTypes, TypedScope } from '../routes/schema-types.js'
import { adminOperations } from './operations.js'

/**
 * A `preHandler` of the host that lets administrators through. It refuses by throwing, by sending a reply, or by
 * answering anything but `true` or `undefined`.
 */
export type AdminGuard = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => unknown

export interface TwoFactorAdminOptions {
  /** Runs before each route: the host's own hook that lets administrators through. Required. */
  readonly guard: AdminGuard

  /**
   * What is asked of the administrators' own second factor. Default is
   * `{ maxAge: 900 }`: passed in the last 15 minutes.
   */
  readonly policy?: TwoFactorPolicy
}

/**
 * Routes for a back office: the state of a user, `unlock`, `reset`, the audit, and which keys are in use. Register it
 * with a `prefix` in a context that has `fastify-authenticator-2fa`; its routes work on that registration.
 *
 * @throws {BadOptionError} at registration, without a guard above all: it would be open to everybody.
 */
export async function twoFactorAdmin (fastify: FastifyInstance, given: TwoFactorAdminOptions): Promise<void> {
  const { guard, policy } = resolveOptions(given)
  const registration = registrationOf(fastify)
  if (!registration) {
    throw new BadOptionError('twoFactorAdmin', 'registered after fastify-authenticator-2fa, in its context or below')
  }

  fastify.addHook('onRoute', route => {
    route.config = { ...route.config, twoFactor: policy }
  })
  fastify.addHook('onRequest', async (request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    refuseCrossOrigin(request)
  })
  fastify.addHook('preHandler', asHook(guard))
  parseStrictly(fastify)
  adminRoutes(fastify.withTypeProvider<SchemaTypes>(), adminOperations(registration))
}

function resolveOptions (given: TwoFactorAdminOptions): Required<TwoFactorAdminOptions> {
  // What is left over is unknown. The last three are Fastify's own, which it passes to every plugin.
  const { guard, policy = { maxAge: 900 }, prefix: _, logLevel: __, logSerializers: ___, ...unknown } =
    given as TwoFactorAdminOptions & { prefix?: unknown, logLevel?: unknown, logSerializers?: unknown }
  refuseUnknown(unknown)
  checkOption('guard', typeof guard === 'function', 'a preHandler that lets administrators through')
  checkPolicy(policy)
  return { guard, policy }
}

type CallbackHook = (request: FastifyRequest, reply: FastifyReply, done: HookHandlerDoneFunction) => void

/** A hook that answers "no" where it should have thrown must not let anybody in. */
function asHook (guard: AdminGuard) {
  // Fastify tells the two kinds apart in the same way.
  if (guard.length >= 3) return guard as CallbackHook
  const answering = guard as (request: FastifyRequest, reply: FastifyReply) => unknown
  return async function adminGuard (this: FastifyInstance, request: FastifyRequest, reply: FastifyReply) {
    const answer = await answering.call(this, request, reply)
    if (reply.sent) return reply
    if (answer !== undefined && answer !== true) throw new ForbiddenError()
  }
}

function adminRoutes (scope: TypedScope, operations: ReturnType<typeof adminOperations>): void {
  const { twoFactor } = scope

  scope.get('/keys', operations.keys, async () => {
    try {
      return { keys: await twoFactor.keyUsage() }
    } catch (cause) {
      throw new UnavailableError({ cause })
    }
  })

  scope.get('/users/:userId', operations.status, async ({ params: { userId } }) => {
    const state = await twoFactor.status(userId)
    if (!state.enabled) throw new UnknownUserError()
    return state
  })

  // Also of a user who has no two-factor authentication any more.
  scope.get('/users/:userId/events', operations.events, async request => {
    const { params: { userId }, query: { before, limit } } = request
    const page = { ...(before !== undefined && { before }), ...(limit !== undefined && { limit: Number(limit) }) }
    return { events: await twoFactor.events(userId, page) }
  })

  for (const action of ['unlock', 'reset'] as const) {
    scope.post(`/users/:userId/${action}`, operations[action], async ({ params: { userId } }) => {
      if (!await twoFactor[action](userId)) throw new UnknownUserError()
      return { done: true } as const
    })
  }
}
