import Fastify, { type FastifyInstance, type FastifyServerOptions, type LightMyRequestResponse } from 'fastify'
import { Secret, TOTP } from 'otpauth'
import type { Test } from 'tap'
import authenticatorApiServer, { type AuthenticatorApiServerOptions } from '../../plugin/authenticator-api/index.js'

/** The protocol's vector: at 59 seconds its code is 198718. */
export const vector = { secretCode: '12345678BXYT', base32: 'GEZDGNBVGY3TQQSYLFKA', pin: '198718', now: 59_000 } as const

export interface ServerOptions extends AuthenticatorApiServerOptions {
  prefix?: string
  server?: FastifyServerOptions
  /** Runs before the plugin is registered. */
  before?: (app: FastifyInstance) => unknown
}

/** The server in a host of its own, at the time of the vector unless told otherwise. */
export async function buildServer (
  t: Pick<Test, 'teardown'>, { prefix = '', server, before, ...options }: ServerOptions = {}
): Promise<FastifyInstance> {
  const app = Fastify(server)
  t.teardown(() => app.close())
  await before?.(app)
  await app.register(authenticatorApiServer, { prefix, clock: () => vector.now, ...options })
  await app.ready()
  return app
}

export function get (
  app: FastifyInstance, path: string, query: Record<string, string> = {}
): Promise<LightMyRequestResponse> {
  return app.inject({ url: `${path}?${new URLSearchParams(query).toString()}` })
}

/** The code of an app that this key was typed into: by a library of its own. */
export function pinAt (base32: string, now: number, steps = 0): string {
  return new TOTP({ secret: Secret.fromBase32(base32) }).generate({ timestamp: now + steps * 30_000 })
}
