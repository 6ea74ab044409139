import type { FastifyRequest } from 'fastify'
import { checkUser, currentUser, enforce, isPromise, livePass, mayTurnOff, type Registration } from './access.js'
import { deviceLabel } from './device-label.js'
import { passByDevice } from './device-pass.js'
import { BadOptionError, NotEnabledError, SetupExpiredError, AlreadyEnabledError } from './errors.js'
import type { TwoFactorPolicy } from './policy.js'
import type { Carried } from './proof/proof.js'
import { createRequestActivity, type RequestActivity } from './request/activity.js'
import { createRequestAuthenticators, type RequestAuthenticators } from './request/authenticators.js'
import { createRequestDevices, type RequestDevices } from './request/devices.js'
import { createRequestMethods, type RequestMethods } from './request/methods.js'
import { requirementOf, type UserRequirement } from './requirement.js'
import type { AuthenticatorInfo } from './service/authenticators.js'
import type { Subject } from './service/dependencies.js'
import type { PendingSetup } from './service/setup.js'
import { subjectOf } from './subject.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** Two-factor authentication of the signed-in user, as this client sees it. */
    readonly twoFactor: RequestTwoFactor
  }
}

/** What a client may know of its user's two-factor authentication. */
export interface TwoFactorStatus extends UserRequirement {
  readonly enabled: boolean
  /** Whether this client has passed. Read from the storage at most `revalidate` seconds ago. */
  readonly verified: boolean
  readonly verifiedAt: Date | null
  /** `null` for a client that has not passed: what the user owns is not for somebody who only has the password. */
  readonly authenticators: readonly AuthenticatorInfo[] | null
  /** `null` likewise. */
  readonly recoveryCodesLeft: number | null
  /** No code is taken before then. */
  readonly lockedUntil: Date | null
}

/**
 * What `request.twoFactor` answers. Each method acts on the user that `getUser` names, and throws
 * {@link UnauthenticatedError} if there is none and {@link UnavailableError} if the storage does not answer.
 */
export interface RequestTwoFactor extends
  RequestActivity, RequestAuthenticators, RequestDevices, RequestMethods {
  /**
   * Whether this client has passed, from what its proof says and this process knows. To decide on access use
   * `config.twoFactor` or {@link require}, which also ask the storage.
   *
   * @throws {BadOptionError} if `getUser` is asynchronous: then use {@link status}.
   */
  readonly verified: boolean

  /** The state of the user. A trusted device passes by this, as it does by a guarded route. */
  status (): Promise<TwoFactorStatus>

  /**
   * What `policy` asks of the user, with or without two-factor authentication: for a notice with the days left. Reads
   * nothing of the storage.
   */
  requirement (): Promise<UserRequirement>

  /**
   * Starts a setup, in place of a pending one. With `bearerProof()` the answer has a `setupToken` for the client.
   *
   * @throws {RequiredError} if the user has two-factor authentication and has not passed lately (`stepUpMaxAge`).
   */
  beginSetup (): Promise<PendingSetup & Carried>

  /**
   * Confirms the pending setup by its first code. This client has passed then.
   *
   * @param details.name - Name of the authenticator. Default is `Authenticator app`.
   * @param details.setupToken - What {@link beginSetup} answered, with `bearerProof()`.
   * @throws {SetupExpiredError}
   * @throws {InvalidCodeError}
   * @throws {AlreadyEnabledError}
   * @throws {AuthenticatorLimitError}
   */
  confirmSetup (
    code: string, details?: { readonly name?: string | undefined, readonly setupToken?: string | undefined }
  ): Promise<{ readonly enabled: true, readonly recoveryCodes: string[] } & Carried>

  /**
   * Passes by a code of an authenticator.
   *
   * @param details.trustDevice - Do not ask this client again for as long as `trustedDevices` says. Default is `false`.
   * Without that option it does nothing.
   * @throws {InvalidCodeError}
   * @throws {LockedError}
   */
  verify (
    code: string, details?: { readonly trustDevice?: boolean | undefined }
  ): Promise<{ readonly verified: true } & Carried>

  /** Passes by a recovery code, which is used up by that. Throws as {@link verify}. */
  recover (code: string): Promise<{ readonly verified: true, readonly recoveryCodesLeft: number | null } & Carried>

  /**
   * Makes a new set of recovery codes. Those from before are worthless then.
   *
   * @throws {NotEnabledError}
   * @throws {RequiredError} if this client has not passed lately (`stepUpMaxAge`).
   */
  regenerateRecoveryCodes (): Promise<string[]>

  /**
   * Turns two-factor authentication off, by a code of an authenticator or a recovery code. Throws as {@link verify}.
   *
   * @throws {NotEnabledError}
   * @throws {RequiredError} if this client has not passed.
   * @throws {LastAuthenticatorError} if the user has to have two-factor authentication.
   */
  disable (code: string): Promise<void>

  /** Ends this client's pass everywhere. Call it when the user signs out, before the session is destroyed. */
  end (): Promise<void>

  /** As `config.twoFactor`, for a decision that is made in a handler. Throws what the guard throws. */
  require (policy: TwoFactorPolicy): Promise<void>
}

export function createRequestTwoFactor (request: FastifyRequest, registration: Registration): RequestTwoFactor {
  const { options: { proof, stepUpMaxAge }, service, deviceCookies } = registration
  const user = () => currentUser(registration, request)
  const fresh = () => enforce(registration, request, { maxAge: stepUpMaxAge })

  return {
    get verified () {
      const user = registration.options.getUser(request)
      if (isPromise(user)) {
        user.then(undefined, () => {})
        throw new BadOptionError('getUser', 'synchronous to read request.twoFactor.verified')
      }
      const known = checkUser(user)
      const pass = known && proof.readPass(request, known.id)
      return pass !== undefined && !service.passes.seenDead(pass)
    },

    async status () {
      const account = await user()
      const { id } = account
      const requirement = await requirementOf(registration.options, request, account)
      const pass = await livePass(registration, request, id) ?? await passByDevice(registration, request, id)
      const { enabled, authenticators, recoveryCodesLeft, lockedUntil } = await service.status(id)
      const open = pass !== undefined || !enabled
      return {
        enabled,
        verified: pass !== undefined,
        verifiedAt: pass ? new Date(pass.passedAt) : null,
        authenticators: open ? authenticators : null,
        recoveryCodesLeft: open ? recoveryCodesLeft : null,
        lockedUntil,
        ...requirement
      }
    },

    async requirement () {
      return requirementOf(registration.options, request, await user())
    },

    async beginSetup () {
      const { id, label } = await user()
      const enabled = await expectSetup(request, registration, id)
      const sealed = await act(request, id, subject => service.beginSetup(subject, label, !enabled))
      const pending = await service.readSetup(id, label, sealed)
      if (!pending) throw new SetupExpiredError()
      return { ...pending, ...proof.writeSetup(request, sealed) }
    },

    async confirmSetup (code, { name, setupToken } = {}) {
      const { id } = await user()
      proof.expectPass(request)
      const sealed = proof.readSetup(request, setupToken)
      const stranger = !await livePass(registration, request, id)
      if (stranger && await service.isEnabled(id)) throw new AlreadyEnabledError()
      if (sealed === undefined) throw new SetupExpiredError()

      const pass = service.passes.create(id, 'setup')
      const recoveryCodes = await act(request, id, subject => service.confirm(subject, sealed, code, name, pass))
      return { enabled: true, recoveryCodes, ...await proof.writePass(request, pass) }
    },

    async verify (code, { trustDevice = false } = {}) {
      const { id } = await user()
      proof.expectPass(request)
      const pass = await act(request, id, subject => service.verify(subject, code))
      if (trustDevice && deviceCookies) {
        const label = deviceLabel(request.headers['user-agent'])
        const replaces = deviceCookies.read(request, id)?.id
        const held = await service.trustDevice(subjectOf(request, id), pass, { label, replaces })
        if (held) deviceCookies.write(request, id, held)
      }
      return { verified: true, ...await proof.writePass(request, pass) }
    },

    async recover (code) {
      const { id } = await user()
      proof.expectPass(request)
      const { pass, recoveryCodesLeft } = await act(request, id, subject => service.recover(subject, code))
      return { verified: true, recoveryCodesLeft, ...await proof.writePass(request, pass) }
    },

    async regenerateRecoveryCodes () {
      const { id } = await user()
      if (!await service.isEnabled(id)) throw new NotEnabledError()
      await fresh()
      const codes = await act(request, id, service.regenerateRecoveryCodes)
      if (!codes) throw new NotEnabledError()
      return codes
    },

    async disable (code) {
      const account = await user()
      const { id } = account
      if (!await service.isEnabled(id)) throw new NotEnabledError()
      await enforce(registration, request, true)
      const mayDisable = await mayTurnOff(request, registration, account)
      await act(request, id, subject => service.disable(subject, code, mayDisable))
      proof.clearPass(request)
    },

    async end () {
      const user = checkUser(await registration.options.getUser(request))
      const pass = user && proof.readPass(request, user.id)
      proof.clearPass(request)
      if (pass) await service.passes.end(pass)
    },

    async require (policy) {
      await enforce(registration, request, policy)
    },

    // Last: an object that starts with what is spread takes V8 twenty times as long, and this is made at each access.
    ...createRequestActivity(request, registration),
    ...createRequestAuthenticators(request, registration),
    ...createRequestDevices(request, registration),
    ...createRequestMethods(request, registration)
  }
}

/** The pending setup that this client is in, to show it again. Asks what {@link RequestTwoFactor.beginSetup} asks. */
export async function pendingSetup (
  request: FastifyRequest, registration: Registration
): Promise<PendingSetup | undefined> {
  const { options: { proof }, service } = registration
  const { id, label } = await currentUser(registration, request)
  await expectSetup(request, registration, id)
  const sealed = proof.readSetup(request, undefined)
  return sealed === undefined ? undefined : service.readSetup(id, label, sealed)
}

/** Whoever has two-factor authentication needs a fresh pass to set up more of it. @returns Whether the user has it. */
async function expectSetup (request: FastifyRequest, registration: Registration, userId: string): Promise<boolean> {
  const enabled = await registration.service.isEnabled(userId)
  if (enabled) await enforce(registration, request, { maxAge: registration.options.stepUpMaxAge })
  return enabled
}

/** Does something for a user. Its signal tells if the client goes before it is done. */
async function act<Result> (
  request: FastifyRequest, userId: string, task: (subject: Subject) => Promise<Result>
): Promise<Result> {
  const { raw } = request
  // With HTTP/2, many requests share one socket. The `close` of an HTTP/1 request comes when its body has been read.
  const connection = 'stream' in raw ? raw.stream as NodeJS.EventEmitter : raw.socket
  const gone = new AbortController()
  const leave = () => gone.abort()
  connection.once('close', leave)
  try {
    return await task({ ...subjectOf(request, userId), signal: gone.signal })
  } finally {
    connection.removeListener('close', leave)
  }
}
