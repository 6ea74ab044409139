import swagger from '@fastify/swagger'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { kyselyStorage, twoFactorAdmin } from '../../plugin/index.js'
import { openDatabase } from './database.js'
import { buildHost, intercept, type Host, type HostOptions } from './host.js'

interface Media {
  readonly schema: object
  readonly example?: unknown
  readonly examples?: Record<string, { readonly summary?: string, readonly value: unknown }>
}

export interface Operation {
  readonly operationId?: string
  readonly summary?: string
  readonly description?: string
  readonly tags?: readonly string[]
  readonly security?: ReadonlyArray<Record<string, readonly string[]>>
  readonly parameters?: ReadonlyArray<{ readonly name: string, readonly in: string }>
  readonly requestBody?: { readonly content: Record<string, Media> }
  readonly responses: Record<string, {
    readonly description: string
    readonly headers?: Record<string, object>
    readonly content?: Record<string, Media>
  }>
}

export interface ApiDocument {
  readonly openapi: string
  readonly components: { readonly securitySchemes?: Record<string, object> }
  readonly paths: Record<string, Record<string, Operation>>
}

/** Documents an app: to be registered before the plugin, as a host does. */
export async function documentApi (app: FastifyInstance, openapi = '3.1.0'): Promise<void> {
  await app.register(swagger, { openapi: { openapi, info: { title: 'Acme', version: '1.0.0' } } })
}

export function documentOf (app: FastifyInstance): ApiDocument {
  return JSON.parse(JSON.stringify(app.swagger())) as ApiDocument
}

export interface DocumentedHost extends Host {
  /** Whether its storage fails. */
  readonly faults: { down: boolean }
  readonly document: ApiDocument
}

const methods = { mail: { label: 'Send me a code', check: (_: unknown, proof: string) => proof === 'right' } }

/** A host whose API is documented, with everything that has routes; `root` is its administrator. */
export async function buildDocumented (
  t: Pick<Test, 'teardown'>, options: HostOptions = {}, openapi = '3.1.0'
): Promise<DocumentedHost> {
  const faults = { down: false }
  const storage = intercept(kyselyStorage(await openDatabase()), () => { if (faults.down) throw new Error('down') })
  const host = await buildHost(t, {
    storage,
    methods,
    trustedDevices: true,
    loginUrl: '/login',
    before: app => documentApi(app, openapi),
    after: app => app.register(twoFactorAdmin, {
      prefix: '/back', guard: request => request.session.user?.id === 'root'
    }),
    ...options
  })
  return { ...host, faults, document: documentOf(host.app) }
}

export interface Described {
  readonly method: string
  readonly path: string
  readonly operation: Operation
}

export function operationsOf ({ paths }: ApiDocument): Described[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ method: method.toUpperCase(), path, operation })))
}

// Strict: a keyword that it does not know is one that nobody heeds.
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true })
ajv.addFormat('date-time', text => new Date(text).toISOString() === text)

/** Why a value is not what a schema says, or `undefined`. */
export function objection (schema: object, value: unknown): string | undefined {
  const validate = ajv.compile(schema)
  return validate(value) ? undefined : ajv.errorsText(validate.errors)
}

/** What a document says that may happen: an operation, its status, and the code of the refusal or what is answered. */
export function documented (document: ApiDocument): string[] {
  return operationsOf(document).flatMap(({ operation: { operationId = '', responses } }) =>
    Object.entries(responses).flatMap(([status, { content = {} }]) => {
      const { examples = {} } = content['application/json'] ?? {}
      const codes = Object.values(examples).map(({ value }) => (value as { code: string }).code)
      const kinds = status === '200' ? Object.keys(content) : status === '303' ? ['redirect'] : codes
      return [...new Set(kinds)].map(kind => `${operationId} ${status} ${kind}`)
    })).sort()
}

/** Holds what an app answers against its document. */
export interface Traffic {
  /** What happened, as {@link documented} has it. */
  readonly seen: Set<string>
  /** What the document does not have. */
  readonly objections: string[]
}

/** From now on, notes each reply that `app.inject` brings. */
export function watch (app: FastifyInstance, document: ApiDocument): Traffic {
  const traffic: Traffic = { seen: new Set(), objections: [] }
  const operations = operationsOf(document).map(described => ({
    ...described, pattern: new RegExp(`^${described.path.replace(/\{\w+\}/g, '[^/]+').replace(/\/$/, '/?')}$`)
  }))
  const inject = app.inject.bind(app) as (options: InjectOptions) => Promise<LightMyRequestResponse>

  async function watched (options: InjectOptions): Promise<LightMyRequestResponse> {
    const response = await inject(options)
    const path = String(options.url).split('?', 1)[0] ?? ''
    const found = operations.find(({ method, pattern }) => method === options.method && pattern.test(path))
    if (found) {
      const { operationId = '' } = found.operation
      const wrong = objectionTo(found.operation, response)
      if (wrong !== undefined) traffic.objections.push(`${operationId} ${response.statusCode}: ${wrong}`)
      else traffic.seen.add(`${operationId} ${response.statusCode} ${kindOf(response)}`)
    }
    return response
  }
  Object.assign(app, { inject: watched })
  return traffic
}

function mediaOf ({ headers }: LightMyRequestResponse): string {
  return String(headers['content-type']).split(';', 1)[0] ?? ''
}

/** The code of a refusal, or the kind of the answer. */
function kindOf (response: LightMyRequestResponse): string {
  if (response.statusCode === 303) return 'redirect'
  const media = mediaOf(response)
  return media === 'application/json' && response.statusCode !== 200 ? response.json<{ code: string }>().code : media
}

function objectionTo ({ responses }: Operation, response: LightMyRequestResponse): string | undefined {
  const { statusCode, headers, body } = response
  const described = responses[statusCode]
  if (!described) return `no such status: ${body.slice(0, 200)}`
  const { headers: fields = {}, content = {} } = described
  for (const name of ['retry-after', 'location']) if ((name in headers) !== (name in fields)) return name
  if (statusCode === 303) return undefined
  const kind = mediaOf(response)
  const media = content[kind]
  if (!media) return `no ${kind}`
  if (kind !== 'application/json') return undefined

  const wrong = objection(media.schema, response.json())
  if (wrong !== undefined || statusCode === 200) return wrong
  const codes = Object.values(media.examples ?? {}).map(({ value }) => (value as { code: string }).code)
  return codes.includes(kindOf(response)) ? undefined : `no ${kindOf(response)}`
}
