import type {} from '@fastify/session'
import type { FastifyRequest, Session } from 'fastify'
import { BadOptionError, UnavailableError } from '../errors.js'
import type { Pass, PassMethod } from '../service/passes.js'
import type { Proof } from './proof.js'

declare module 'fastify' {
  interface Session {
    /** The pass of `fastify-authenticator-2fa`. One string: `@fastify/session` walks every value at each request. */
    twoFactor?: string
    /** A pending setup, sealed, so that the session store never holds a secret. */
    twoFactorSetup?: string
  }
}

/** Keeps the proof in the host's `@fastify/session`. The default. */
export function sessionProof (): Proof {
  return {
    ambient: true,

    prepare (fastify) {
      if (!fastify.hasRequestDecorator('session')) {
        throw new BadOptionError('proof', 'registered after @fastify/session, or be bearerProof() for an API without cookies')
      }
    },

    readPass (request, userId) {
      const pass = parse(request.session?.twoFactor)
      if (!pass || pass.userId === userId) return pass
      // The host changed the user of this session: the pass is not there for when it changes back.
      delete request.session.twoFactor
      return undefined
    },

    expectPass (request) {
      sessionOf(request)
    },

    async writePass (request, pass) {
      const session = sessionOf(request)
      session.twoFactor = format(pass)
      // Only if it is there: V8 takes longer with an object that something was deleted from.
      if (session.twoFactorSetup !== undefined) delete session.twoFactorSetup
      try {
        // A new id on each rise in privilege, so that a planted or overheard one gains nothing (ASVS 5.0, 7.2.4).
        await session.regenerate(Object.keys(session).filter(key => key !== 'cookie'))
      } catch (cause) {
        drop(request)
        throw new UnavailableError({ cause })
      }
      return {}
    },

    clearPass (request) {
      // A destroyed session is null.
      delete (request.session as Session | null)?.twoFactor
    },

    abandon: drop,

    readSetup (request) {
      return request.session?.twoFactorSetup
    },

    writeSetup (request, sealed) {
      sessionOf(request).twoFactorSetup = sealed
      return {}
    }
  }
}

/** @fastify/session saves the session with every answer, also the one that says that its store failed. */
function drop (request: FastifyRequest): void {
  (request as { session: unknown }).session = null
}

function format ({ id, method, passedAt, expiresAt, userId }: Pass): string {
  return [id, method, passedAt, expiresAt, userId].join('.')
}

// A session presents the same text at each request. Taking it apart costs as much as the rest of the guard.
const parsed = new Map<string, Pass>()
const maxParsed = 10_000

function parse (text: string | undefined): Pass | undefined {
  if (typeof text !== 'string') return undefined
  const known = parsed.get(text)
  if (known) return known
  const [id = '', method = '', passedAt = '', expiresAt = ''] = text.split('.', 4)
  // Whatever the user id has in it, it stands last.
  const userId = text.slice(id.length + method.length + passedAt.length + expiresAt.length + 4)
  if (id === '' || userId === '') return undefined

  const pass = { id, method: method as PassMethod, passedAt: Number(passedAt), expiresAt: Number(expiresAt), userId }
  if (parsed.size >= maxParsed) parsed.clear()
  parsed.set(text, pass)
  return pass
}

function sessionOf (request: FastifyRequest): FastifyRequest['session'] {
  if (!request.session?.sessionId) {
    throw new UnavailableError({ cause: new Error('There is no session: it was destroyed, or its cookie has another path') })
  }
  return request.session
}
