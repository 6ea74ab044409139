import type { FastifyRequest } from 'fastify'
import { currentUser, type Registration } from '../access.js'
import { UnavailableError, UnknownMethodError } from '../errors.js'
import type { MethodInfo, ProofMethod } from '../methods.js'
import type { TwoFactorUser } from '../options.js'
import type { Carried } from '../proof/proof.js'
import { subjectOf } from '../subject.js'

/** What `request.twoFactor` does with the methods that the host brings (option `methods`). */
export interface RequestMethods {
  /** The methods that the user has. */
  methods (): Promise<MethodInfo[]>

  /** @throws {UnknownMethodError} if the user has no such method. @throws {UnavailableError} */
  startMethod (name: string): Promise<void>

  /**
   * Passes by what a method calls right. Throws as `verify`.
   *
   * @throws {UnknownMethodError} if the user has no such method.
   */
  verifyBy (name: string, proof: string): Promise<{ readonly verified: true } & Carried>
}

export function createRequestMethods (request: FastifyRequest, registration: Registration): RequestMethods {
  const { options: { methods, proof: clientProof }, service } = registration

  const has = async (user: TwoFactorUser, method: ProofMethod): Promise<boolean> => {
    try {
      return await method.isAvailable?.(user, request) ?? true
    } catch (cause) {
      throw new UnavailableError({ cause })
    }
  }

  async function find (name: string): Promise<{ readonly user: TwoFactorUser, readonly method: ProofMethod }> {
    const user = await currentUser(registration, request)
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined
    if (!method || !await service.isEnabled(user.id) || !await has(user, method)) throw new UnknownMethodError()
    return { user, method }
  }

  return {
    async methods () {
      const user = await currentUser(registration, request)
      const all = Object.entries(methods)
      if (all.length === 0 || !await service.isEnabled(user.id)) return []
      const available = await Promise.all(all.map(([, method]) => has(user, method)))
      return all.filter((_, index) => available[index]).map(([name, { label }]) => ({ name, label }))
    },

    async startMethod (name) {
      const { user, method } = await find(name)
      try {
        await method.start?.(user, request)
      } catch (cause) {
        throw new UnavailableError({ cause })
      }
    },

    async verifyBy (name, proof) {
      const { user, method } = await find(name)
      clientProof.expectPass(request)
      const subject = subjectOf(request, user.id)
      const pass = await service.verifyBy(subject, name, async () => method.check(user, proof, request))
      return { verified: true, ...await clientProof.writePass(request, pass) }
    }
  }
}
