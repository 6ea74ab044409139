import type { FastifyRequest } from 'fastify'
import type { Subject } from './service/dependencies.js'

/** The user that this request is about, and where it comes from. */
export function subjectOf (request: FastifyRequest, userId: string): Subject {
  return { userId, ip: request.ip }
}
