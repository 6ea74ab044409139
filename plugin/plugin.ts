import type { FastifyInstance } from 'fastify'
import { channel as diagnosticsChannel } from 'node:diagnostics_channel'
import { addRegistration, type Registration } from './access.js'
import { compose } from './composition.js'
import { createDeviceCookies } from './device-cookies.js'
import { BadOptionError, UnavailableError } from './errors.js'
import type { TwoFactorEvent } from './events.js'
import { addGuard } from './guard.js'
import { resolveOptions, type ResolvedOptions, type TwoFactorOptions } from './options.js'
import { createPages } from './pages/renderer.js'
import type { TokenSealer } from './proof/proof.js'
import { addRefusalUrls } from './refusal.js'
import { createRequestTwoFactor } from './request.js'
import { twoFactorRoutes } from './routes/routes.js'
import { createKeyRing, type KeyRing, type Purpose } from './secrets/key-ring.js'
import type { SecretBox } from './secrets/secret-box.js'
import type { TwoFactorService } from './service.js'
import type { TwoFactorStorage } from './storage/storage.js'

/** What `app.twoFactor` answers: for support staff and scripts, by user id. */
export type TwoFactorBackOffice = Pick<
  TwoFactorService, 'status' | 'unlock' | 'reset' | 'importSecret' | 'switchVerifier' | 'keyUsage' | 'rotateKeys' | 'events'
>

declare module 'fastify' {
  interface FastifyInstance {
    /** Two-factor authentication of any user. Guard what you build on it. */
    readonly twoFactor: TwoFactorBackOffice
  }
}

/** Puts a registration together: the only place that knows all layers. */
export async function twoFactor (fastify: FastifyInstance, given: TwoFactorOptions): Promise<void> {
  const options = resolveOptions(given)
  const { cipher } = options
  const { encryptionKeys = [] } = given
  const keyRing = cipher && encryptionKeys.length === 0 ? undefined : createKeyRing(encryptionKeys)
  const { service, secrets, storage } = compose(options, keyRing, emitter(fastify, options))
  options.proof.prepare(fastify, keyRing && tokenSealer(keyRing, 'pass-token'))
  const { trustedDevices, clock } = options
  const deviceCookies = trustedDevices
    ? createDeviceCookies(fastify, { ...trustedDevices, clock }, keyRing && tokenSealer(keyRing, 'trusted-device'))
    : undefined

  // Fastify joins `/area/` and `/2fa` with one slash; `//2fa` would be another host.
  const base = `${fastify.prefix.replace(/\/$/, '')}${options.prefix}`
  const registration: Registration = {
    options,
    service,
    deviceCookies,
    verifyUrl: options.verifyUrl ?? `${base}/verify`,
    setupUrl: options.setupUrl ?? `${base}/setup`
  }

  fastify.decorateRequest('twoFactor', { getter () { return createRequestTwoFactor(this, registration) } })
  const { status, unlock, reset, importSecret, switchVerifier, keyUsage, rotateKeys, events } = service
  fastify.decorate('twoFactor', { status, unlock, reset, importSecret, switchVerifier, keyUsage, rotateKeys, events })
  addRegistration(fastify, registration)
  addRefusalUrls(fastify)
  addGuard(fastify, registration)
  fastify.addHook('onReady', () => checkStorage(fastify, storage, secrets))
  fastify.addHook('onClose', async () => {
    for (const verifier of options.verifiers.values()) await verifier.close?.()
  })

  if (options.routes) {
    const { pages, defaultRedirect, loginUrl } = options
    const site = { name: pages.name, base, defaultRedirect }
    const context = { ...registration, site, pages: createPages(pages, [defaultRedirect, loginUrl ?? '/']) }
    await fastify.register(scope => twoFactorRoutes(scope, context), { prefix: options.prefix })
  }
}

/**
 * Refuses to start with keys that do not fit the database, or without tables: every sign-in would fail later. That the
 * database is out of reach is no such reason: it may come back.
 */
async function checkStorage (fastify: FastifyInstance, storage: TwoFactorStorage, secrets: SecretBox): Promise<void> {
  const { log } = fastify
  const sample = await storage.sampleSecret().catch((error: UnavailableError) => {
    if (error.cause instanceof BadOptionError) throw error.cause
    log.warn({ err: error }, 'fastify-authenticator-2fa starts without its storage; its routes answer 503 until it is back')
  })
  if (!sample) return
  try {
    await secrets.open('authenticator-secret', [sample.userId, sample.id], sample.secret)
  } catch (error) {
    const { by, available } = secrets.describe(sample.secret)
    if (by === 'cipher' && available) {
      log.warn({ err: error }, 'fastify-authenticator-2fa starts without its cipher; its routes answer 503 until it is back')
      return
    }
    const { message } = (error as UnavailableError).cause as Error
    throw new BadOptionError(by, `what the database was filled with. ${message}`)
  }
}

function tokenSealer (keyRing: KeyRing, purpose: Purpose): TokenSealer {
  return {
    seal: (context, value) => Buffer.from(keyRing.seal(purpose, context, Buffer.from(value))).toString('base64url'),
    open (context, token) {
      try {
        return Buffer.from(keyRing.open(purpose, context, Buffer.from(token, 'base64url'))).toString()
      } catch {
        return undefined
      }
    }
  }
}

// For tools that listen to all that a process does. A listener that throws is reported by Node.js itself.
const channel = diagnosticsChannel('fastify-authenticator-2fa:event')

/** A listener that fails must not fail the user's request. */
function emitter (fastify: FastifyInstance, { onEvent }: ResolvedOptions): (event: TwoFactorEvent) => void {
  return event => {
    channel.publish(event)
    if (!onEvent) return
    Promise.resolve(event).then(onEvent).catch((error: unknown) => {
      fastify.log.error({ err: error, type: event.type }, 'onEvent of fastify-authenticator-2fa failed')
    })
  }
}
