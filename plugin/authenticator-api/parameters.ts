import type { FastifyRequest } from 'fastify'
import { BadParameterError } from './errors.js'

/** The parameters of a request. Names are good in any case. */
export interface Parameters {
  /**
   * @returns The value, or `undefined` if it is missing.
   * @throws {BadParameterError} if it is there twice or no string: another reader might pick another one, and a number
   * has lost its leading zeros.
   */
  get: (name: string) => string | undefined
}

/** Reads the query, by itself: a host may have set a parser of its own. */
export function queryParameters ({ url }: FastifyRequest): Parameters {
  const start = url.indexOf('?')
  return createParameters(start < 0 ? [] : new URLSearchParams(url.slice(start + 1)))
}

/** Reads a form or the object of a JSON body. */
export function bodyParameters ({ body }: FastifyRequest): Parameters {
  if (body === undefined || body === null) return createParameters([])
  if (typeof body !== 'object' || Array.isArray(body)) throw new BadParameterError('The body must be a JSON object')
  return createParameters(Object.entries(body))
}

function createParameters (entries: Iterable<readonly [name: string, value: unknown]>): Parameters {
  const values = new Map<string, unknown[]>()
  for (const [name, value] of entries) {
    const key = name.toLowerCase()
    const found = values.get(key)
    if (found === undefined) values.set(key, [value])
    else found.push(value)
  }
  return {
    get (name) {
      const [value, ...more] = values.get(name.toLowerCase()) ?? []
      if (value === undefined) return undefined
      if (typeof value !== 'string' || more.length > 0) throw new BadParameterError(`${name} must be given once, as a string`)
      return value
    }
  }
}
