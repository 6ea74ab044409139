import type { FastifyRequest } from 'fastify'
import type { Registration } from './access.js'
import type { Pass } from './service/passes.js'
import { subjectOf } from './subject.js'

/**
 * Has a client pass by the trusted device that it is, if it is one of this user. It is asked no code then, but it has
 * not authenticated either: such a pass is never a fresh one.
 *
 * @throws {UnavailableError} if it cannot be known, or the pass cannot be kept.
 */
export async function passByDevice (
  { options: { proof }, service, deviceCookies }: Registration, request: FastifyRequest, userId: string
): Promise<Pass | undefined> {
  // A protocol upgrade has no answer that could carry the next token, so the device would seem to be used twice.
  if (!deviceCookies || request.headers.upgrade !== undefined) return undefined
  const held = deviceCookies.read(request, userId)
  if (!held) return undefined

  proof.expectPass(request)
  const { pass, next } = await service.useDevice(subjectOf(request, userId), held)
  // Before the pass is kept: should that fail, the client must not be left with a token that was rotated away.
  if (next === null) deviceCookies.clear(request)
  else if (next) deviceCookies.write(request, userId, next)
  if (pass) await proof.writePass(request, pass)
  return pass
}
