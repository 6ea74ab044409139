import type { FastifyRequest } from 'fastify'
import { BadParameterError } from './errors.js'

/**
 * Where the client of this request reaches the server: safe in an attribute in single quotes.
 *
 * @param prefix - Of the routes.
 * @throws {BadParameterError} if the request names a host that cannot be one.
 */
export function baseUrl ({ host, protocol }: FastifyRequest, prefix: string): string {
  if (!/^[\w.:[\]-]+$/.test(host)) throw new BadParameterError('The Host header must name this server')
  // A proxy says it, or whoever poses as one.
  return `${protocol === 'https' ? 'https' : 'http'}://${host}${prefix}`
}
