import cookie from '@fastify/cookie'
import session from '@fastify/session'
import swagger from '@fastify/swagger'
import { validate } from '@readme/openapi-parser'
import Fastify, { errorCodes } from 'fastify'
import t from 'tap'
import twoFactor, { bearerProof, kyselyStorage, type TwoFactorOptions } from '../plugin/index.js'
import { load } from './docs/snippets.js'
import { openDatabase } from './helpers/database.js'
import { buildHost, encryptionKeys, type HostOptions } from './helpers/host.js'
import { buildDocumented, documentApi, documented, documentOf, objection, operationsOf, type Described } from './helpers/openapi.js'
import { routes } from './routes/drift.js'

const info = { title: 'Acme', version: '1.0.0' }

const ofPlugin = ({ path }: Described) => /2fa|back/.test(path)

t.test('the document is valid, whatever the host makes of the plugin', async t => {
  const hosts: Array<[name: string, options: HostOptions, openapi?: string]> = [
    ['sessions', {}],
    ['OpenAPI 3.0', {}, '3.0.3'],
    ['bearer tokens', { proof: bearerProof({ header: 'X-Proof' }), trustedDevices: false }],
    ['no pages', { pages: false, loginUrl: null, rateLimit: false }],
    ['another path', { prefix: '/account/2fa' }],
    ['HEAD as well', { before: app => app.register(swagger, { exposeHeadRoutes: true, openapi: { openapi: '3.1.0', info } }) }]
  ]
  for (const [name, options, openapi] of hosts) {
    const { app } = await buildDocumented(t, options, openapi)
    t.match(await validate(app.swagger() as never), { valid: true, warnings: [] }, name)
  }
})

t.test('a prefix with a parameter, and two registrations in one app, make a valid document too', async t => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cookie)
  await app.register(session, { secret: 'x'.repeat(32) })
  await documentApi(app)
  const options = { issuer: 'Acme', encryptionKeys, storage: kyselyStorage(await openDatabase()), getUser: () => null }
  await app.register(async scope => { await scope.register(twoFactor, { ...options, trustedDevices: true }) }, { prefix: '/:tenant' })
  await app.register(async scope => { await scope.register(twoFactor, options) }, { prefix: '/staff' })
  await app.ready()

  t.match(await validate(app.swagger() as never), { valid: true, warnings: [] })
  const { paths } = documentOf(app)
  t.match(paths['/{tenant}/2fa/devices/{deviceId}']?.delete?.parameters, [{ name: 'tenant', in: 'path' }, { name: 'deviceId', in: 'path' }])
  t.equal(paths['/{tenant}/2fa/verify']?.post?.operationId, 'twoFactorVerify')
  t.equal(paths['/staff/2fa/verify']?.post?.operationId, 'twoFactorVerifyAtStaff2faVerify')
})

t.test('the host on the page has a document', async t => {
  const { build } = await load<{ build: (options: TwoFactorOptions) => Promise<object> }>('openapi-document')
  const storage = kyselyStorage(await openDatabase())
  const document = await build({ issuer: 'Acme', encryptionKeys, storage, getUser: () => null, proof: bearerProof() })
  t.match(await validate(document as never), { valid: true })
  t.match(document, { openapi: '3.1.0', paths: { '/2fa/verify': { post: { operationId: 'twoFactorVerify' } } } })
})

t.test('every route is described as a whole, and every example is what its schema says', async t => {
  const { document } = await buildDocumented(t)
  const operations = operationsOf(document).filter(ofPlugin)
  t.equal(new Set(operations.map(({ operation }) => operation.operationId)).size, operations.length)
  for (const { method, path, operation } of operations) {
    const name = `${method} ${path}`
    t.match(operation, {
      operationId: /^twoFactor[A-Z]\w+$/,
      summary: /^[A-Z].{5,60}[^.]$/,
      description: /^[A-Z].*\.$/,
      tags: [/^Two-factor (authentication|back office)$/]
    }, name)
    t.ok(operation.security?.every(need => Object.keys(need).every(scheme => document.components.securitySchemes?.[scheme])), `${name}: security`)
    const [body] = Object.values(operation.requestBody?.content ?? {})
    if (body) {
      t.same(Object.keys(operation.requestBody?.content ?? {}), ['application/json', 'application/x-www-form-urlencoded'], name)
      t.equal(objection(body.schema, body.example), undefined, `${name}: body`)
    }
    for (const [status, { description, content = {} }] of Object.entries(operation.responses)) {
      t.match(description, /^\S.{4,}/, `${name} ${status}`)
      const media = content['application/json']
      if (!media) continue
      const examples = [...'example' in media ? [media.example] : [], ...Object.values(media.examples ?? {}).map(({ value }) => value)]
      t.not(examples.length, 0, `${name} ${status} has examples`)
      for (const example of examples) t.equal(objection(media.schema, example), undefined, `${name} ${status}: ${JSON.stringify(example)}`)
      if (status >= '400') t.ok(examples.every(example => (example as { statusCode: number }).statusCode === Number(status)), `${name} ${status}`)
    }
  }
})

t.test('what is only for pages and forms is hidden, and the rest is what the typed client calls', async t => {
  const all = new Set<string>()
  const { document } = await buildDocumented(t, {
    async before (app) {
      app.addHook('onRoute', ({ method, url }) => {
        if (url.startsWith('/2fa') && method !== 'HEAD') all.add(`${method} ${url.slice(4) || '/'}`)
      })
      await documentApi(app)
    }
  })
  const described = operationsOf(document).filter(({ path }) => path.startsWith('/2fa'))
    .map(({ method, path }) => `${method} ${path.slice(4).replace(/\{(\w+)\}/g, ':$1')}`)
  t.same(described.sort(), Object.keys(routes).sort())
  for (const route of described) all.delete(route)
  t.same([...all].sort(), [
    'GET /authenticators/:authenticatorId/remove', 'GET /methods/:method', 'GET /page.js', 'GET /recover', 'GET /setup', 'GET /verify',
    'POST /authenticators/:authenticatorId/remove', 'POST /authenticators/:authenticatorId/rename', 'POST /devices/:deviceId/revoke',
    'POST /devices/revoke'
  ])
})

t.test('who may ask is told by the proof, and a host that describes it itself is heard', async t => {
  const sessions = await buildDocumented(t)
  t.match(sessions.document.components.securitySchemes, { twoFactorSession: { type: 'apiKey', in: 'cookie', name: 'sessionId' } })

  const bearer = await buildDocumented(t, { proof: bearerProof({ header: 'X-Proof' }), trustedDevices: false })
  t.match(bearer.document.components.securitySchemes, { twoFactorBearer: { type: 'http', scheme: 'bearer' } })
  for (const { operation } of operationsOf(bearer.document).filter(ofPlugin)) {
    t.same(operation.security, [{ twoFactorBearer: [] }], String(operation.operationId))
    t.ok(operation.parameters?.some(parameter => parameter.name === 'x-proof' && parameter.in === 'header'), String(operation.operationId))
  }

  const own = { type: 'apiKey', in: 'cookie', name: '__Host-acme' } as const
  const described = await buildDocumented(t, {
    before: app => app.register(swagger, { openapi: { openapi: '3.1.0', info: { title: '', version: '' }, components: { securitySchemes: { twoFactorSession: own } } } })
  })
  t.same(described.document.components.securitySchemes, { twoFactorSession: own })
})

t.test('a host that documents itself in Swagger 2.0 has the routes as their schemas say', async t => {
  const { app } = await buildHost(t, { before: app => app.register(swagger, { swagger: { info } }) })
  t.match(app.swagger(), {
    swagger: '2.0', paths: { '/2fa/verify': { post: { operationId: 'twoFactorVerify', responses: { 200: { schema: { type: 'object' } } } } } }
  })
})

t.test('the refusals of Fastify itself are called what Fastify calls them', async t => {
  const { document } = await buildDocumented(t)
  const codes = new Set(documented(document).map(entry => entry.split(' ')[2] ?? '').filter(code => code.startsWith('FST_ERR')))
  for (const code of codes) t.ok(code in errorCodes, code)
  t.ok(codes.size > 2)
})
