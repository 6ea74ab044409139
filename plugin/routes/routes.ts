import type { FastifyError, FastifyInstance } from 'fastify'
import { varyBy } from '../browser.js'
import { limitAddresses } from './address-limit.js'
import { authenticatorPageRoutes, authenticatorRoutes } from './authenticators.js'
import { refuseCrossOrigin } from './cross-origin.js'
import { deviceListRoute, deviceRoutes } from './devices.js'
import { methodPageRoutes, methodRoutes } from './methods.js'
import { pageScriptRoute } from './page-script.js'
import { parseStrictly } from './parsers.js'
import { sendRefusal, type RouteContext } from './replies.js'
import { settingsRoutes } from './settings.js'
import type { SchemaTypes } from './schema-types.js'
import { setupPageRoute, setupRoutes } from './setup.js'
import { statusRoute } from './status.js'
import { verifyPageRoutes, verifyRoutes } from './verify.js'

/** Every route of the plugin, in a context of its own: what it sets there, the host's routes never see. */
export async function twoFactorRoutes (scope: FastifyInstance, context: RouteContext): Promise<void> {
  const { options } = context

  scope.addHook('onRoute', route => {
    // Each route asks in its handler for what it needs, which is less or more than the guard can say.
    route.config = { ...route.config, twoFactor: false }
  })
  scope.setErrorHandler<FastifyError>((error, request, reply) => sendRefusal(context, error, request, reply))
  scope.setSchemaErrorFormatter(describe)
  parseStrictly(scope)

  scope.addHook('onRequest', (request, reply, done) => {
    reply.headers({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' })
    varyBy(reply, 'Accept')
    if (options.proof.ambient) refuseCrossOrigin(request)
    done()
  })
  // Whatever holds on to a request, as sessions in memory do, must not hold on to a code with it.
  scope.addHook('onResponse', (request, _reply, done) => {
    request.body = undefined
    done()
  })

  const typed = scope.withTypeProvider<SchemaTypes>()
  statusRoute(typed, context)
  setupPageRoute(typed, context)
  verifyPageRoutes(typed, context)
  if (options.pages.shown) pageScriptRoute(scope)
  methodPageRoutes(typed, context)
  if (options.trustedDevices) deviceListRoute(typed, context)
  authenticatorPageRoutes(typed, context)

  await scope.register(async limited => {
    await limitAddresses(limited, options.rateLimit, {
      max: 100, nameSpace: 'fastify-authenticator-2fa-', patience: options.storageTimeout
    })
    const typed = limited.withTypeProvider<SchemaTypes>()
    setupRoutes(typed, context)
    verifyRoutes(typed, context)
    methodRoutes(typed, context)
    settingsRoutes(typed, context)
    if (options.trustedDevices) deviceRoutes(typed, context)
    authenticatorRoutes(typed, context)
  })
}

interface SchemaError {
  readonly instancePath: string
  readonly message?: string
}

/** Says what to do, and never repeats the value that was sent. */
function describe ([error]: readonly SchemaError[], where: string): Error {
  if (error?.instancePath === '/code') return new Error('That is not a code. Enter the digits that your app shows, or a whole recovery code')
  if (error?.instancePath === '/name') return new Error('That is not a name. Enter up to 64 characters')
  return new Error(`${where}${error?.instancePath ?? ''} ${error?.message ?? 'is malformed'}`)
}
