import Fastify, { type FastifyInstance } from 'fastify'
import { authenticatorApi, localVerifier, type Verifier } from 'fastify-authenticator-2fa'
import authenticatorApiServer from 'fastify-authenticator-2fa/authenticator-api'
import type { DemoConfig } from './config.js'

/** What checks the codes of the demo. */
export interface Checker {
  /** For the plugin: the first one takes new authenticators. */
  readonly verifiers: readonly Verifier[]
  /** Where codes are checked: in words, by the kind of an authenticator. Default is where new ones go. */
  readonly where: (kind?: string) => string
  readonly close: () => Promise<void>
}

/**
 * Opens both ways to check a code, so that nobody is locked out: an authenticator stays with the one that it was set
 * up with, whichever the demo is started with later. The remote one is a server beside the demo, unless the
 * configuration names another; any will do, since they keep no accounts.
 */
export async function openChecker (
  { verifier, authenticatorApiUrl }: Pick<DemoConfig, 'verifier' | 'authenticatorApiUrl'>, clock: () => number = Date.now
): Promise<Checker> {
  const server = authenticatorApiUrl === undefined ? await buildServer(clock) : undefined
  const url = await server?.listen({ host: '127.0.0.1', port: 0 }) ?? authenticatorApiUrl ?? ''
  const local = localVerifier()
  // The configuration has http: on this machine alone.
  const remote = authenticatorApi({ url, allowHttp: true })
  const inUse = verifier === 'api' ? remote : local

  return {
    verifiers: verifier === 'api' ? [remote, local] : [local, remote],
    where: (kind = inUse.kind) => kind === local.kind
      ? 'in this process'
      : `by the AuthenticatorAPI-compatible server at ${url}`,
    close: async () => { await server?.close() }
  }
}

async function buildServer (clock: () => number): Promise<FastifyInstance> {
  const server = Fastify({ logger: { level: 'warn' } })
  // All users of the demo come from one address here. Each of their secrets has a limit of its own.
  await server.register(authenticatorApiServer, { rateLimit: false, clock })
  return server
}
