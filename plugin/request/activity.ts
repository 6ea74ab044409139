import type { FastifyRequest } from 'fastify'
import { currentUser, enforce, type Registration } from '../access.js'
import type { TwoFactorEvent } from '../events.js'

/** What `request.twoFactor` tells of what happened to the signed-in user. */
export interface RequestActivity {
  /**
   * What happened lately, the newest first. Empty unless the option `audit` is on.
   *
   * @param page.before - Id of an event: those before it.
   * @param page.limit - 1 to 500. Default is 50.
   * @throws {RequiredError} if the user has two-factor authentication, and this client has not passed.
   */
  events (page?: { readonly before?: string, readonly limit?: number }): Promise<TwoFactorEvent[]>
}

export function createRequestActivity (request: FastifyRequest, registration: Registration): RequestActivity {
  return {
    async events (page) {
      const { id } = await currentUser(registration, request)
      await enforce(registration, request, true)
      return registration.service.events(id, page)
    }
  }
}
