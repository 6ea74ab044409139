import cookie from '@fastify/cookie'
import session from '@fastify/session'
import type { FastifyInstance } from 'fastify'

/** Sessions in memory, and a sign-in that asks for no password. */
export async function addLogin (app: FastifyInstance): Promise<void> {
  await app.register(cookie)
  await app.register(session, {
    secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, rolling: false
  })
  app.post<{ Params: { user: string } }>('/login/:user', async request => {
    const { user } = request.params
    request.session.user = { id: user, label: user }
    return { user }
  })
}
