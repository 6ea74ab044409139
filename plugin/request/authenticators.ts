import type { FastifyRequest } from 'fastify'
import { currentUser, enforce, mayTurnOff, type Registration } from '../access.js'
import { LastAuthenticatorError, NotEnabledError, UnknownAuthenticatorError } from '../errors.js'
import type { TwoFactorUser } from '../options.js'
import type { AuthenticatorInfo } from '../service/authenticators.js'
import { subjectOf } from '../subject.js'

/** What `request.twoFactor` answers about the authenticators of the signed-in user, and does to them. */
export interface RequestAuthenticators {
  /**
   * The authenticators of the user, the oldest first.
   *
   * @throws {RequiredError} if the user has two-factor authentication, and this client has not passed.
   */
  authenticators (): Promise<readonly AuthenticatorInfo[]>

  /**
   * @param name - What the user calls it from now on.
   * @throws {RequiredError} if this client has not passed.
   * @throws {UnknownAuthenticatorError} if the user has none of this id.
   */
  renameAuthenticator (id: string, name: string): Promise<AuthenticatorInfo>

  /**
   * Removes an authenticator, and ends the passes of all other clients. Without the last authenticator, two-factor
   * authentication is off.
   *
   * @throws {NotEnabledError}
   * @throws {RequiredError} if this client has not passed lately (`stepUpMaxAge`).
   * @throws {UnknownAuthenticatorError} if the user has none of this id.
   * @throws {LastAuthenticatorError} if the user has to have two-factor authentication.
   */
  removeAuthenticator (id: string): Promise<{ readonly removed: true, readonly enabled: boolean }>
}

export function createRequestAuthenticators (
  request: FastifyRequest, registration: Registration
): RequestAuthenticators {
  const { options: { proof }, service } = registration

  return {
    async authenticators () {
      const { id: userId } = await currentUser(registration, request)
      await enforce(registration, request, true)
      return service.listAuthenticators(userId)
    },

    async renameAuthenticator (id, name) {
      const { id: userId } = await currentUser(registration, request)
      await enforce(registration, request, true)
      return service.renameAuthenticator(subjectOf(request, userId), id, name)
    },

    async removeAuthenticator (id) {
      const user = await expectFreshPass(request, registration)
      const mayDisable = await mayTurnOff(request, registration, user)
      const pass = proof.readPass(request, user.id)
      const subject = subjectOf(request, user.id)
      const { enabled } = await service.removeAuthenticator(subject, id, { pass, mayDisable })
      if (!enabled) proof.clearPass(request)
      return { removed: true, enabled }
    }
  }
}

/** What the user is told before an authenticator is removed. Throws what the removal would. */
export async function beforeRemoval (
  request: FastifyRequest, registration: Registration, id: string
): Promise<{ readonly authenticator: AuthenticatorInfo, readonly last: boolean }> {
  const user = await expectFreshPass(request, registration)
  const authenticators = await registration.service.listAuthenticators(user.id)
  const authenticator = authenticators.find(authenticator => authenticator.id === id)
  if (!authenticator) throw new UnknownAuthenticatorError()
  const last = authenticators.length === 1
  if (last && !await mayTurnOff(request, registration, user)) throw new LastAuthenticatorError()
  return { authenticator, last }
}

async function expectFreshPass (request: FastifyRequest, registration: Registration): Promise<TwoFactorUser> {
  const { options: { stepUpMaxAge }, service } = registration
  const user = await currentUser(registration, request)
  if (!await service.isEnabled(user.id)) throw new NotEnabledError()
  await enforce(registration, request, { maxAge: stepUpMaxAge })
  return user
}
