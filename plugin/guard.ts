import type { FastifyInstance, FastifyReply, FastifyRequest, preHandlerAsyncHookHandler } from 'fastify'
import { enforce, type Registration } from './access.js'
import { isSafe, returnPath, varyBy, wantsPage, withQuery } from './browser.js'
import { RequiredError, SetupRequiredError, UnauthenticatedError } from './errors.js'
import { checkPolicy, type TwoFactorPolicy } from './policy.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What `fastify-authenticator-2fa` asks of the clients of this route. */
    twoFactor?: TwoFactorPolicy
  }
  interface FastifyInstance {
    /**
     * The guard as a `preHandler`, for hosts that list their hooks. Does what `config.twoFactor` does.
     *
     * @param policy - Default is `true`.
     * @throws {BadOptionError} if it is no policy.
     */
    requireTwoFactor (policy?: Exclude<TwoFactorPolicy, false>): preHandlerAsyncHookHandler
  }
}

/**
 * Puts the guard before every route of the context and of those below, also of the ones that are there already.
 *
 * What a route asks hangs on the config of the route that was matched, never on its URL: `/ADMIN`, `/%61dmin` and
 * `/admin/` are the same route to the router, so they are to the guard.
 */
export function addGuard (fastify: FastifyInstance, registration: Registration): void {
  const unmarked = registration.options.protect === 'all'

  fastify.addHook('onRoute', ({ config }) => {
    const policy = config?.twoFactor
    if (policy !== undefined) checkPolicy(policy)
  })

  // With a callback, since it stands before every request of the host: one that may pass costs no promise.
  fastify.addHook('preHandler', function twoFactorGuard (request, reply, done) {
    const { twoFactor: policy = unmarked } = request.routeOptions.config
    if (policy === false) return done()

    let pending: Promise<void> | undefined
    try {
      pending = enforce(registration, request, policy)
    } catch (error) {
      return refuse(error)
    }
    if (pending) pending.then(() => done(), refuse)
    else done()

    function refuse (error: unknown): void {
      if (!redirected(registration, error, request, reply)) done(error as Error)
    }
  })

  fastify.decorate('requireTwoFactor', (policy: Exclude<TwoFactorPolicy, false> = true) => {
    checkPolicy(policy)
    return async function requireTwoFactor (request: FastifyRequest, reply: FastifyReply) {
      try {
        await enforce(registration, request, policy)
      } catch (error) {
        if (redirected(registration, error, request, reply)) return reply
        throw error
      }
    }
  })
}

/** Sends a browser to the page that helps it on; for other clients and errors it answers `false`. */
function redirected (
  registration: Registration, error: unknown, request: FastifyRequest, reply: FastifyReply
): boolean {
  reply.header('cache-control', 'no-store')
  varyBy(reply, 'Accept')
  const page = registration.options.pages.shown && wantsPage(request) ? pageFor(registration, error) : undefined
  // A host that guards its own login page must see a refusal, not a loop.
  if (page === undefined || page === request.originalUrl.split('?', 1)[0]) return false

  const next = returnPath(request)
  // A form that was not sent cannot be sent again from here: its page says so.
  reply.redirect(withQuery(page, { next, resend: isSafe(request.method) ? undefined : '1' }), 303)
  return true
}

/** The page that helps a browser on. */
export function pageFor ({ options }: Registration, error: unknown): string | undefined {
  if (error instanceof RequiredError) return error.verifyUrl
  if (error instanceof SetupRequiredError) return error.setupUrl
  if (error instanceof UnauthenticatedError) return options.loginUrl ?? undefined
}
