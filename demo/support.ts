import type { FastifyInstance, FastifyRequest } from 'fastify'
import { twoFactorAdmin } from 'fastify-authenticator-2fa'
import type { Demo } from './app.js'
import { supportDetails, supportList } from './pages/support.js'
import { sameOrigin } from './same-origin.js'

/** The back office of the bank: pages, and the package's own routes for machines under `/admin/2fa`. */
export async function support (app: FastifyInstance, { accounts }: Pick<Demo, 'accounts'>): Promise<void> {
  await app.register(twoFactorAdmin, { prefix: '/admin/2fa', guard: onlyAdmin })

  app.get('/admin', { config: { twoFactor: 'required' } }, async (request, reply) => {
    onlyAdmin(request)
    const customers = await Promise.all((await accounts.list()).map(async ({ id, email }) =>
      ({ id, email, status: await app.twoFactor.status(id) })))
    return reply.page('Support', supportList(customers))
  })

  app.get<{ Params: { id: string } }>('/admin/:id', { config: { twoFactor: 'required' } }, async (request, reply) => {
    onlyAdmin(request)
    const account = (await accounts.list()).find(({ id }) => id === request.params.id)
    if (!account) return reply.callNotFound()
    const status = await app.twoFactor.status(account.id)
    const events = await app.twoFactor.events(account.id, { limit: 20 })
    return reply.page(account.email, supportDetails({ ...account, status }, events))
  })

  for (const action of ['unlock', 'reset'] as const) {
    app.post<{ Params: { id: string } }>(`/admin/:id/${action}`, {
      config: { twoFactor: { maxAge: 300 } }, onRequest: sameOrigin
    }, async (request, reply) => {
      onlyAdmin(request)
      await app.twoFactor[action](request.params.id)
      if (action === 'reset') request.beside?.note('user-reset')
      return reply.redirect('/admin', 303)
    })
  }
}

function onlyAdmin (request: FastifyRequest): void {
  if (request.session.account?.role !== 'admin') {
    throw Object.assign(new Error('This page is for support staff. Sign in with another account'), { statusCode: 403 })
  }
}
