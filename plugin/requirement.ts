import type { FastifyRequest } from 'fastify'
import { BadOptionError } from './errors.js'
import type { ResolvedOptions, TwoFactorUser } from './options.js'
import { within } from './service/within.js'

/**
 * What a user has to do, in the answer of `policy`:
 * - `'optional'`: what the route asks, and no more.
 * - `'required'`: have two-factor authentication. Without it, every guarded route sends the user to set it up.
 * - `{ requiredFrom }`: the same from that moment on. Before it the user passes, and is told how many days are left.
 */
export type TwoFactorRequirement = 'optional' | 'required' | { readonly requiredFrom: Date }

/** What `policy` asks of a user, at this moment. */
export interface UserRequirement {
  /** Whether the user has to have two-factor authentication now. */
  readonly required: boolean
  /** Since when, or from when on, if `policy` named a date. */
  readonly requiredFrom: Date | null
  /** Days of 24 hours until then, where the last one begun counts as one. `null` if there is nothing to wait for. */
  readonly daysLeft: number | null
}

const day = 86_400_000

/**
 * Asks the host's `policy`. It gets what `getUser` answered.
 *
 * @throws {UnavailableError} if it fails, or takes longer than a statement of the storage may.
 * @throws {BadOptionError} if it answers something else: better no answer than a wrong one.
 */
export async function requirementOf (
  { policy, clock, storageTimeout }: ResolvedOptions, request: FastifyRequest, user: TwoFactorUser
): Promise<UserRequirement> {
  if (!policy) return { required: false, requiredFrom: null, daysLeft: null }
  const answer: unknown = await within('policy', storageTimeout, async () => policy(request, user))
  if (answer === 'optional' || answer === 'required') {
    return { required: answer === 'required', requiredFrom: null, daysLeft: null }
  }
  const requiredFrom = dateOf(answer)
  const left = requiredFrom.getTime() - clock()
  return { required: left <= 0, requiredFrom, daysLeft: left <= 0 ? null : Math.ceil(left / day) }
}

function dateOf (answer: unknown): Date {
  if (typeof answer === 'object' && answer !== null && Object.keys(answer).join() === 'requiredFrom' &&
    'requiredFrom' in answer && answer.requiredFrom instanceof Date && !Number.isNaN(answer.requiredFrom.getTime())) {
    return answer.requiredFrom
  }
  throw new BadOptionError('policy', 'a function that answers "optional", "required" or { requiredFrom: Date }')
}
