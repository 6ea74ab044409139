import type {} from '@fastify/session'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { BadOptionError } from './errors.js'
import type { TokenSealer } from './proof/proof.js'
import type { DeviceToken } from './service/devices.js'

/** Keeps the tokens of trusted devices in cookies. */
export interface DeviceCookies {
  /** What this client holds for this user. A forged cookie and another user's are none; neither costs SQL. */
  read: (request: FastifyRequest, userId: string) => DeviceToken | undefined
  /** Has the answer to this request, whichever it is, hand this out. */
  write: (request: FastifyRequest, userId: string, held: DeviceToken) => void
  /** Has the answer take away what the client holds. */
  clear: (request: FastifyRequest) => void
}

interface Change {
  readonly userId: string
  readonly held: DeviceToken
}

/**
 * The cookies are sealed for their user (AES-256-GCM), `HttpOnly` and `SameSite=Lax`; over https also `Secure`, with a
 * name that no other site of the domain can set (`__Host-`, RFC 6265bis section 4.1.3.2).
 *
 * @throws {BadOptionError} if the host lacks what they need.
 */
export function createDeviceCookies (
  fastify: FastifyInstance, { cookieName, clock }: { readonly cookieName: string, readonly clock: () => number },
  sealer: TokenSealer | undefined
): DeviceCookies {
  if (!sealer) {
    throw new BadOptionError('encryptionKeys', 'given beside the cipher: trustedDevices seals its cookies with them')
  }
  if (!fastify.hasReplyDecorator('setCookie')) {
    throw new BadOptionError('trustedDevices', 'registered after @fastify/cookie, or false')
  }
  const tokens = sealer
  const changes = new WeakMap<FastifyRequest, Change | null>()
  const nameFor = ({ protocol }: FastifyRequest) => protocol === 'https' ? `__Host-${cookieName}` : cookieName

  fastify.addHook('onSend', (request, reply, payload, done) => {
    const change = changes.get(request)
    if (change !== undefined) {
      const attributes = { path: '/', httpOnly: true, sameSite: 'lax', secure: request.protocol === 'https' } as const
      const left = change ? Math.floor((change.held.expiresAt - clock()) / 1000) : 0
      const value = change ? seal(tokens, change) : ''
      reply.setCookie(nameFor(request), value, { ...attributes, signed: false, maxAge: Math.max(0, left) })
      // This answer is for one client alone, whatever the route says of its answers.
      reply.header('cache-control', 'no-store')
    }
    done(null, payload)
  })

  return {
    read (request, userId) {
      const change = changes.get(request)
      if (change !== undefined) return change?.userId === userId ? change.held : undefined
      const { cookie = '' } = request.headers
      if (!cookie.includes(cookieName)) return undefined
      const value = fastify.parseCookie(cookie)[nameFor(request)]
      return value === undefined ? undefined : open(tokens, userId, value)
    },

    write (request, userId, held) {
      changes.set(request, { userId, held })
    },

    clear (request) {
      changes.set(request, null)
    }
  }
}

function seal (tokens: TokenSealer, { userId, held: { id, token, successor, expiresAt } }: Change): string {
  return tokens.seal([userId], JSON.stringify([id, token, successor, expiresAt]))
}

function open (tokens: TokenSealer, userId: string, value: string): DeviceToken | undefined {
  const opened = tokens.open([userId], value)
  if (opened === undefined) return undefined
  const [id, token, successor, expiresAt] = JSON.parse(opened) as [string, string, string, number]
  return { id, token, successor, expiresAt }
}
