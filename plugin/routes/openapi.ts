import type { FastifySchema } from 'fastify'
import type { Registration } from '../access.js'
import { isSafe } from '../browser.js'
import { refusalBody, refusals, type Refusal, type RefusalName } from './refusals.js'
import { errorReply } from './schemas.js'

/** What a document of the API tells of a route, beyond its schemas. */
export interface RouteDetails {
  readonly summary: string
  readonly example: unknown
  readonly bodyExample?: unknown
  /** What it refuses, beside what every route of its kind does. */
  readonly refusals?: readonly RefusalName[]
  /** What a browser gets in place of the JSON. Default is a redirect. */
  readonly browser?: 'page' | 'redirect' | 'either' | 'nothing'
  /** It is for administrators: it shows no pages, but its guard may lead to some. Default is `false`. */
  readonly backOffice?: boolean
}

/** As much as is read here of a document. */
interface Document {
  components?: { securitySchemes?: object }
  paths?: object
}

/** As much as is read here of what `@fastify/swagger` hands to the transform of a route. */
interface Documented {
  readonly schema: FastifySchema & { readonly operationId?: string, readonly response?: unknown }
  readonly url: string
  readonly route: { readonly method: string | readonly string[] }
  /** Absent where the document is Swagger 2.0. */
  readonly openapiObject?: Document
}

type ObjectSchema = Readonly<Record<string, unknown>> & { readonly properties: object, readonly type: unknown }

const sessionScheme = {
  type: 'apiKey', in: 'cookie', name: 'sessionId', description: 'The session of the host, of a user who is signed in'
} as const

const bearerScheme = {
  type: 'http', scheme: 'bearer', description: 'The credential of the host, of a user who is signed in'
} as const

/**
 * The transform of a route that `@fastify/swagger` calls for it (`config.swaggerTransform`). It adds what Fastify has
 * no use for: replies by media type, with examples, and who may ask.
 */
export function describeRoute (registration: Registration, details: RouteDetails) {
  return ({ schema, url, route, openapiObject }: Documented): { schema: FastifySchema, url: string } => {
    if (!openapiObject) return { schema, url }
    const change = ![route.method].flat().every(isSafe)
    return {
      url,
      schema: {
        ...schema,
        ...bodyOf(schema, details),
        ...proofHeader(registration),
        ...paramsOf(schema, url),
        operationId: uniqueId(openapiObject, schema.operationId, url),
        security: [{ [declareScheme(registration, openapiObject)]: [] }],
        response: { ...successOf(schema, registration, details), ...refusalsOf(schema, registration, details, change) }
      } as FastifySchema
    }
  }
}

/** Ids are unique in a document, but a second registration in one app has the same ones: those tell where they are. */
function uniqueId ({ paths = {} }: Document, operationId: string | undefined, url: string): string | undefined {
  const taken = Object.values(paths).some((path: object) =>
    Object.values(path).some((operation: { operationId?: string }) => operation.operationId === operationId))
  return taken ? `${operationId}At${pascal(url)}` : operationId
}

function pascal (url: string): string {
  return url.split(/\W+/).map(word => word.charAt(0).toUpperCase() + word.slice(1)).join('')
}

/** Adds the scheme to the document, unless the host has described it itself. */
function declareScheme ({ options }: Registration, document: Document): string {
  const { ambient } = options.proof
  const name = ambient ? 'twoFactorSession' : 'twoFactorBearer'
  const { components = {} } = document
  components.securitySchemes = { [name]: ambient ? sessionScheme : bearerScheme, ...components.securitySchemes }
  document.components = components
  return name
}

/** Forms are taken as JSON is. A body that may be absent has no place in a document that calls each one required. */
function bodyOf (schema: FastifySchema, { bodyExample }: RouteDetails): object {
  const body = schema.body as ObjectSchema | undefined
  if (body?.type !== 'object') return { body: undefined }
  const consumes = ['application/json', 'application/x-www-form-urlencoded']
  return { consumes, body: { ...body, ...bodyExample !== undefined && { examples: [bodyExample] } } }
}

function proofHeader ({ options: { proof } }: Registration): object {
  if (proof.header === undefined) return {}
  const description = 'The `proofToken` of the last answer that had one. Without it, the client has not passed'
  return { headers: { type: 'object', properties: { [proof.header]: { type: 'string', description } } } }
}

/** A prefix of the host may have parameters, too. */
function paramsOf (schema: FastifySchema, url: string): object {
  const names = [...url.matchAll(/:(\w+)/g)].map(([, name = '']) => name)
  if (names.length === 0) return {}
  const all = Object.fromEntries(names.map(name => [name, { type: 'string' }]))
  const { properties } = (schema.params ?? { properties: {} }) as ObjectSchema
  return { params: { type: 'object', required: names, properties: { ...all, ...properties } } }
}

function successOf (schema: Documented['schema'], registration: Registration, details: RouteDetails): object {
  const { 200: reply } = schema.response as { 200: object }
  const { example, browser = 'redirect', refusals: names = [], backOffice = false } = details
  const { pages, loginUrl } = registration.options
  const json = { 'application/json': { schema: reply, example } }
  const paged = pages.shown && !backOffice && (browser === 'page' || browser === 'either')
  const leads = browser === 'redirect' || browser === 'either' || loginUrl !== null || backOffice ||
    names.some(name => name === 'required' || name === 'setupRequired')
  return {
    200: { description: details.summary, content: { ...json, ...paged && html } },
    ...pages.shown && leads && { 303: redirect }
  }
}

const html = { 'text/html': { schema: { type: 'string', description: 'A page, for a browser' } } } as const

const redirect = {
  type: 'null',
  description: 'A browser (`Accept: text/html`, or a form) is led on: to a page of this site that shows what was done, or to the one where it can sign in, pass or set up',
  headers: { location: { type: 'string', description: 'Path of this site, or a URL that the host chose' } }
} as const

function refusalsOf (
  schema: FastifySchema, registration: Registration, { refusals: own = [], backOffice = false }: RouteDetails,
  change: boolean
): object {
  const { pages, proof, rateLimit } = registration.options
  const names: readonly RefusalName[] = [
    ...schema.body === undefined ? [] : ['invalid'] as const,
    ...schema.params === undefined ? [] : ['invalidUrl'] as const,
    ...change ? ['badJson', 'malformedBody', 'tooLarge', 'mediaType'] as const : [],
    'unauthenticated',
    ...backOffice ? ['required', 'setupRequired', 'forbidden'] as const : [],
    ...own,
    // The back office has no proof of its own to be carried, and is not limited.
    ...change && (backOffice || proof.ambient) ? ['crossOrigin'] as const : [],
    ...change && !backOffice && rateLimit !== false ? ['tooManyRequests'] as const : [],
    'unavailable'
  ]
  const byStatus = new Map<number, Array<readonly [RefusalName, Refusal]>>()
  for (const name of names) {
    const refusal: Refusal = refusals[name](registration)
    const { statusCode = 503 } = refusal
    byStatus.set(statusCode, [...byStatus.get(statusCode) ?? [], [name, refusal]])
  }
  const paged = pages.shown && !backOffice
  return Object.fromEntries([...byStatus].map(([status, group]) => [status, refusalReply(group, paged)]))
}

function refusalReply (group: ReadonlyArray<readonly [RefusalName, Refusal]>, paged: boolean): object {
  const examples = group.map(([name, refusal]) => [name, { summary: refusal.code, value: refusalBody(refusal) }])
  const codes = [...new Set(group.map(([, { code }]) => `\`${code}\``))]
  const json = { 'application/json': { schema: errorReply, examples: Object.fromEntries(examples) } }
  const waits = group.some(([name, { headers }]) => headers !== undefined || name === 'tooManyRequests')
  return {
    description: codes.join(', '),
    ...waits && { headers: { 'retry-after': { type: 'integer', description: 'Seconds to wait' } } },
    content: { ...json, ...paged && html }
  }
}
