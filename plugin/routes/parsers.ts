import formbody from '@fastify/formbody'
import { Ajv } from 'ajv'
import type { FastifyInstance } from 'fastify'
import { MalformedBodyError } from '../errors.js'

// A code and its companions fit many times over.
const bodyLimit = 8192

/**
 * Makes a context take JSON and forms alone, and take them as they are. Fastify's own validator would turn the number
 * 123456 and the array ["123456"] into a code; and a `text/plain` form could pass for JSON from another site.
 */
export function parseStrictly (scope: FastifyInstance): void {
  scope.removeAllContentTypeParsers()
  scope.register(formbody, { bodyLimit })

  const parse = scope.getDefaultJsonParser('error', 'error')
  scope.addContentTypeParser('application/json', { parseAs: 'string', bodyLimit }, (request, body, done) => {
    if (body === '') return done(null, undefined)
    if (hasRepeatedKey(body as string)) return done(new MalformedBodyError(), undefined)
    parse(request, body as string, done)
  })

  const ajv = new Ajv({ coerceTypes: false, useDefaults: false, removeAdditional: false, strict: false })
  scope.setValidatorCompiler(({ schema }) => ajv.compile(schema as object))
}

/**
 * Two servers that read `{"code":"1","code":"2"}` differently disagree about what was checked. Bodies here are flat, so
 * each string before a colon is a key of the one object. Malformed JSON is left to the parser. The pattern takes a
 * string without an end as well: it would search for the end from every quote in it otherwise.
 */
function hasRepeatedKey (json: string): boolean {
  // With one colon there is one key at most.
  if (json.indexOf(':') === json.lastIndexOf(':')) return false
  const strings = [...json.matchAll(/"((?:[^"\\]|\\[^])*)(?:"(\s*:)?|\\?$)/g)]
  const keys = strings.filter(match => match[2] !== undefined)
  try {
    return new Set(keys.map(match => JSON.parse(`"${match[1]}"`) as string)).size !== keys.length
  } catch {
    return false
  }
}
