import Fastify from 'fastify'
import type { Test } from 'tap'
import authenticatorApiServer, { type AuthenticatorApiServerOptions } from '../../plugin/authenticator-api/index.js'

/** The compatible server on loopback, until `t` ends. */
export async function startChecker (
  t: Pick<Test, 'teardown'>, options: AuthenticatorApiServerOptions = {}
): Promise<{ readonly url: string, readonly asked: string[], stop: () => Promise<void> }> {
  const app = Fastify({ forceCloseConnections: true })
  const asked: string[] = []
  app.addHook('onRequest', async request => { asked.push(request.url) })
  await app.register(authenticatorApiServer, { rateLimit: false, codeLimit: false, ...options })
  t.teardown(() => app.close())
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), asked, stop: () => app.close() }
}
