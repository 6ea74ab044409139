import type { FastifyError, FastifyInstance } from 'fastify'
import { limitAddresses } from '../routes/address-limit.js'
import { parseStrictly } from '../routes/parsers.js'
import { addUnknownPaths } from './endpoints.js'
import { resolveOptions, type AuthenticatorApiServerOptions, type RegisterOptions } from './options.js'
import { addPages } from './pages.js'
import { sendRefusal } from './refusal.js'
import { dropRawPackets } from './request-log.js'
import { createService } from './service.js'
import { addWebService } from './web-service.js'

/**
 * A server of the AuthenticatorAPI.com protocol: its clients change the base URL alone. It has no SOAP, its QR codes
 * are of `otpauth:` URIs alone, and it refuses what the public service guesses about: a SecretCode that is not ASCII,
 * an AppName with a colon, a parameter that is there twice.
 *
 * Secrets travel in URLs, as the protocol has it. None of them gets into Fastify's request log: of these routes it
 * shows a fixed path, and nowhere the bytes of a request that was no HTTP. Not covered are the logs of proxies, what a
 * host itself logs of `request.url`, and, without a `prefix`, mistyped paths, which the host answers. With one, every
 * path below it is the plugin's, but for routes that the host has there.
 *
 * @example
 * await app.register(authenticatorApiServer, { prefix: '/authenticator', tolerance: 1 })
 */
export default async function authenticatorApiServer (
  scope: FastifyInstance, given: AuthenticatorApiServerOptions & RegisterOptions
): Promise<void> {
  const options = resolveOptions(given)

  dropRawPackets(scope.server)
  scope.setErrorHandler<FastifyError>(sendRefusal)
  parseStrictly(scope)
  scope.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer', 'x-content-type-options': 'nosniff' })
  })
  await limitAddresses(scope, options.rateLimit, {
    max: 300, nameSpace: 'fastify-authenticator-2fa-api-', patience: 2000
  })

  const service = createService(options, scope.prefix)
  addPages(scope, service)
  addWebService(scope, service)
  if (given.prefix) addUnknownPaths(scope)
}

export type { AuthenticatorApiServerOptions } from './options.js'
export type { ValidationLimit } from './validation-limit.js'
