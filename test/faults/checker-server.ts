import Fastify from 'fastify'
import authenticatorApiServer from '../../plugin/authenticator-api/index.js'
import { listen } from './process.js'

/** What the harness asks of a checker, beside HTTP. */
export type CheckerOrder = { readonly clock: number } | { readonly maxConnections: number }

// The compatible server as a process of its own, as `serve-api` starts one, but for its clock.
let now = Number(process.env.NOW)
const app = Fastify()
await app.register(authenticatorApiServer, { rateLimit: false, codeLimit: false, clock: () => now })
listen(await app.listen({ host: '127.0.0.1', port: 0 }), (order: CheckerOrder) => {
  if ('clock' in order) {
    now = order.clock
    return
  }
  app.server.maxConnections = order.maxConnections
  app.server.closeAllConnections()
})
