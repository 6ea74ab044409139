import Fastify from 'fastify'
import authenticatorApiServer from '../../plugin/authenticator-api/index.js'

// The service, as a process of its own: it must not share the CPU time of the client that is measured.
const app = Fastify()
await app.register(authenticatorApiServer, { rateLimit: false, codeLimit: false })
process.send?.(await app.listen({ host: '127.0.0.1', port: 0 }))
