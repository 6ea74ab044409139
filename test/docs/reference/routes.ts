import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify, { type FastifyInstance, type FastifySchema, type RouteOptions } from 'fastify'
import { randomBytes } from 'node:crypto'
import twoFactor, { twoFactorAdmin, type TwoFactorStorage } from 'fastify-authenticator-2fa'

/** A route, as its schema has it. */
export interface RouteEntry {
  readonly method: string
  readonly url: string
  readonly summary: string
  /** Names of the members of its JSON body; those that may be left out have a `?`. */
  readonly body: string
  /** Of the answer. Empty for a page. */
  readonly answer: string
}

/** Every route of the plugin and of its back office, read from a real registration that has all of them. */
export async function readRoutes (): Promise<{ readonly plugin: RouteEntry[], readonly admin: RouteEntry[] }> {
  const entries: RouteEntry[] = []
  const app = Fastify()
  app.addHook('onRoute', route => { entries.push(...entriesOf(route)) })
  await register(app)
  await app.close()
  const under = (prefix: string) => entries.filter(({ url }) => url === prefix || url.startsWith(`${prefix}/`))
  return { plugin: under('/2fa'), admin: under('/admin/2fa') }
}

async function register (app: FastifyInstance): Promise<void> {
  const secret = randomBytes(32)
  await app.register(cookie)
  await app.register(session, { secret: secret.toString('hex') })
  await app.register(twoFactor, {
    issuer: 'Acme',
    encryptionKeys: [secret.toString('base64')],
    // Never called: nothing is sent to this app.
    storage: { claimAttempt () {} } as unknown as TwoFactorStorage,
    getUser: () => null,
    trustedDevices: true,
    methods: { mail: { label: 'Send me a code by e-mail', check: () => false } }
  })
  await app.register(twoFactorAdmin, { prefix: '/admin/2fa', guard: async () => {} })
}

function entriesOf ({ method, url, schema }: RouteOptions): RouteEntry[] {
  const path = url === '/2fa' ? '/2fa/' : url
  // A path that ends in a slash is there twice.
  if (url === '/2fa/') return []
  return [method].flat().filter(verb => verb !== 'HEAD').map(verb => ({
    method: verb, url: path, summary: summaryOf(schema), body: shape(schema?.body), answer: shape(replyOf(schema))
  }))
}

function summaryOf (schema: FastifySchema = {}): string {
  return (schema as { summary?: string }).summary ?? ''
}

interface JsonSchema {
  readonly properties?: Record<string, unknown>
  readonly required?: readonly string[]
  readonly anyOf?: readonly JsonSchema[]
  readonly content?: Record<string, { readonly schema: JsonSchema }>
}

function replyOf (schema: FastifySchema = {}): unknown {
  const response = schema.response as Record<string, unknown> | undefined
  return response?.['200'] ?? response?.['2xx']
}

function shape (schema: unknown): string {
  const { properties, required, content } = (schema ?? {}) as JsonSchema
  if (content) return shape(content['application/json']?.schema)
  if (!properties) return ''
  const isReply = required === undefined
  // Where a browser goes afterwards is of no use to other clients.
  const names = Object.keys(properties).filter(name => name !== 'next')
  return names.length === 0 ? '' : `{ ${names.map(name => isReply || required.includes(name) ? name : `${name}?`).join(', ')} }`
}
