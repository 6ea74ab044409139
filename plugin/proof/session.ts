import type {} from '@fastify/session'
import type { FastifyRequest, Session } from 'fastify'
import { BadOptionError, UnavailableError } from '../errors.js'
import type { Pass } from '../service/passes.js'
import type { Proof } from './proof.js'

declare module 'fastify' {
  interface Session {
    /** Kept by fastify-authenticator-2fa. */
    twoFactor?: SessionTwoFactor
  }
}

/** What the plugin keeps in the host's session. */
export interface SessionTwoFactor {
  readonly pass?: Pass
  /** Sealed, so that the session store never holds a secret. */
  readonly setup?: string
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
      const pass = read(request)?.pass
      return pass?.userId === userId ? pass : undefined
    },

    async writePass (request, pass) {
      const session = sessionOf(request)
      session.twoFactor = { pass }
      try {
        // A new id on each rise in privilege, so that a planted or overheard one gains nothing (ASVS 5.0, 7.2.4).
        await session.regenerate(Object.keys(session).filter(key => key !== 'cookie'))
      } catch (cause) {
        throw new UnavailableError({ cause })
      }
      return {}
    },

    clearPass (request) {
      if (read(request)) delete request.session.twoFactor
    },

    readSetup (request) {
      return read(request)?.setup
    },

    writeSetup (request, sealed) {
      const session = sessionOf(request)
      session.twoFactor = { ...session.twoFactor, setup: sealed }
      return {}
    }
  }
}

function read (request: FastifyRequest): SessionTwoFactor | undefined {
  // A destroyed session is null, and one outside the cookie's path an empty object.
  return (request.session as Session | null)?.twoFactor
}

function sessionOf (request: FastifyRequest): FastifyRequest['session'] {
  if (!request.session?.sessionId) {
    throw new UnavailableError({ cause: new Error('There is no session: it was destroyed, or its cookie has another path') })
  }
  return request.session
}
