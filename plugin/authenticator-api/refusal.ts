import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { STATUS_CODES } from 'node:http'
import { isJson } from './web-service.js'

/** Answers an error as text, or as the object that ASP.NET gives to clients that speak JSON. */
export function sendRefusal (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500
  if (status >= 500) request.log.error({ err: error }, error.message)
  // Others' messages may repeat what was sent.
  const message = status < 500 && error.code?.startsWith('FST_2FA_') ? error.message : STATUS_CODES[status] ?? 'Error'

  reply.code(status).headers('headers' in error ? error.headers as Record<string, string> : {})
  return isJson(request) ? reply.send({ Message: message }) : reply.type('text/plain; charset=utf-8').send(message)
}
