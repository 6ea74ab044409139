import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { DeviceCookies } from './device-cookies.js'
import { passByDevice } from './device-pass.js'
import { BadOptionError, RequiredError, SetupRequiredError, UnauthenticatedError } from './errors.js'
import type { ResolvedOptions, TwoFactorUser } from './options.js'
import { checkPolicy, type TwoFactorPolicy } from './policy.js'
import { refused } from './refusal.js'
import { requirementOf } from './requirement.js'
import type { TwoFactorService } from './service.js'
import type { Pass } from './service/passes.js'

/**
 * One registration: its options, its use cases, and where its pages are. The URLs are patterns: under a prefix such as
 * `/:tenant` they are filled in for each request by {@link urlFor}.
 */
export interface Registration {
  readonly options: ResolvedOptions
  readonly service: TwoFactorService
  /** Absent without the option `trustedDevices`. */
  readonly deviceCookies: DeviceCookies | undefined
  readonly verifyUrl: string
  readonly setupUrl: string
}

const registrationKey = Symbol('fastify-authenticator-2fa')

/** Has plugins of this package that are registered here or below find the registration that they work on. */
export function addRegistration (fastify: FastifyInstance, registration: Registration): void {
  fastify.decorate(registrationKey, registration)
}

export function registrationOf (fastify: FastifyInstance): Registration | undefined {
  return fastify.hasDecorator(registrationKey) ? fastify.getDecorator(registrationKey) : undefined
}

// Processes whose clocks differ by less than this agree on how old a pass is.
const clockSkew = 60_000

/** A URL of this registration, for the client of this request: with the parameters of its prefix. */
export function urlFor (request: FastifyRequest, pattern: string): string {
  if (!pattern.includes(':') || /^https?:/.test(pattern)) return pattern
  const parameters = request.params as Record<string, string | undefined>
  return pattern.replace(/:(\w+)(?:\([^/]*\))?/g, (found, name: string) => {
    const value = parameters[name]
    return value === undefined ? found : encodeURIComponent(value)
  })
}

/** The signed-in user. @throws {UnauthenticatedError} if there is none. */
export async function currentUser ({ options }: Registration, request: FastifyRequest): Promise<TwoFactorUser> {
  const user = checkUser(await options.getUser(request))
  if (!user) throw new UnauthenticatedError()
  return user
}

/** Of any realm and library. */
export function isPromise<T> (value: T | Promise<T>): value is Promise<T> {
  return typeof (value as Partial<Promise<T>> | null | undefined)?.then === 'function'
}

/**
 * What the host's `getUser` answered, as it is: `policy` may ask for more of it than we do.
 *
 * @throws {BadOptionError} if it is no user: better no answer than a wrong one.
 */
export function checkUser (user: unknown): TwoFactorUser | undefined {
  if (user === null || user === undefined) return undefined
  if (typeof user !== 'object' || !('id' in user) || typeof user.id !== 'string' || user.id === '') {
    throw new BadOptionError('getUser', 'a function that answers { id: string, label: string } or null')
  }
  return 'label' in user && typeof user.label === 'string' ? user as TwoFactorUser : { ...user, id: user.id, label: user.id }
}

/** The pass of this client, if it has one that still counts. */
export async function livePass (
  { options, service }: Registration, request: FastifyRequest, userId: string
): Promise<Pass | undefined> {
  const pass = options.proof.readPass(request, userId)
  return pass && await service.passes.isAlive(pass) ? pass : undefined
}

/**
 * Lets the request through, or says what is missing. A client that is known to have passed costs no promise: then the
 * answer is `undefined`. What `policy` requires of the user matters to those without two-factor authentication alone,
 * so nobody else waits for it; it adds to what the route asks and never takes away.
 *
 * @throws {UnauthenticatedError}
 * @throws {RequiredError}
 * @throws {SetupRequiredError}
 * @throws {UnavailableError} if it cannot be known.
 */
export function enforce (
  registration: Registration, request: FastifyRequest, policy: TwoFactorPolicy
): Promise<void> | undefined {
  checkPolicy(policy)
  if (policy === false) return undefined
  const { options: { getUser, proof }, service } = registration

  const answer = getUser(request)
  if (!isPromise(answer)) {
    const user = checkUser(answer)
    const pass = user && proof.readPass(request, user.id)
    if (pass && service.passes.seenAlive(pass) && isRecent(registration, pass, policy)) return undefined
  }
  return enforceFor(registration, request, policy, answer)
}

async function enforceFor (
  registration: Registration, request: FastifyRequest, policy: TwoFactorPolicy, answer: unknown
): Promise<void> {
  const { service, verifyUrl, setupUrl } = registration
  const user = checkUser(await answer)
  if (!user) {
    // Whoever signs in to this session next has to pass again.
    registration.options.proof.clearPass(request)
    throw new UnauthenticatedError()
  }
  const pass = await livePass(registration, request, user.id)
  if (pass) {
    if (isRecent(registration, pass, policy)) return
    throw refused(request, new RequiredError(urlFor(request, verifyUrl)))
  }
  if (typeof policy !== 'object' && await passByDevice(registration, request, user.id)) return
  if (await service.isEnabled(user.id)) throw refused(request, new RequiredError(urlFor(request, verifyUrl)))
  if (policy !== true || (await requirementOf(registration.options, request, user)).required) {
    throw refused(request, new SetupRequiredError(urlFor(request, setupUrl)))
  }
}

/**
 * Whether this user may turn two-factor authentication off, be it by removing the last authenticator. Whoever has to
 * have it from a later date still may.
 *
 * @throws what {@link requirementOf} throws
 */
export async function mayTurnOff (
  request: FastifyRequest, { options }: Registration, user: TwoFactorUser
): Promise<boolean> {
  return !(await requirementOf(options, request, user)).required
}

function isRecent ({ options }: Registration, pass: Pass, policy: TwoFactorPolicy): boolean {
  if (typeof policy !== 'object') return true
  // A device that is trusted has shown no factor just now (NIST SP 800-63B-4, 2.2.3; ASVS 5.0, 7.5.1).
  if (pass.method === 'trusted-device') return false
  const age = options.clock() - pass.passedAt
  return age <= policy.maxAge * 1000 && age >= -clockSkew
}
