import type { FastifyInstance } from 'fastify'
import type { Demo } from './app.js'
import { dashboard } from './pages/dashboard.js'
import { home } from './pages/home.js'
import { howTo } from './pages/how-to.js'
import { phone } from './pages/phone.js'
import { settings } from './pages/settings.js'
import { transferForm, transferSent } from './pages/transfer.js'
import { sameOrigin } from './same-origin.js'

/** The pages of the bank: each says in its config what it asks of the second factor. */
export function bank (app: FastifyInstance, { checker, config }: Pick<Demo, 'checker' | 'config'>): void {
  app.get('/', async (_request, reply) => reply.page('A bank that asks twice', home({ sampleAccounts: !config.secure })))
  app.get('/how-to', async (_request, reply) => reply.page('How do I add this to my app?', howTo()))
  app.get('/phone', async (request, reply) => {
    request.beside?.note('phone-opened')
    return reply.page('Demo phone', phone())
  })

  app.get('/dashboard', { config: { twoFactor: true } }, async (request, reply) =>
    reply.page('Dashboard', dashboard(await request.twoFactor.status(), checker)))

  app.get('/settings', { config: { twoFactor: true } }, async (request, reply) => {
    const { enabled } = await request.twoFactor.status()
    const { account } = request.session
    return reply.page('Settings', settings(account?.email ?? '', enabled))
  })

  app.get('/transfer', { config: { twoFactor: { maxAge: 300 } } }, async (_request, reply) =>
    reply.page('Transfer', transferForm()))

  const transfer = {
    type: 'object',
    required: ['to', 'amount'],
    properties: { to: { type: 'string', minLength: 1, maxLength: 80 }, amount: { type: 'string', pattern: '^[1-9][0-9]{0,5}$' } }
  }
  app.post<{ Body: { to: string, amount: string } }>('/transfer', {
    schema: { body: transfer }, config: { twoFactor: { maxAge: 300 } }, onRequest: sameOrigin
  }, async (request, reply) => {
    request.beside?.note('money-sent')
    return reply.page('Sent', transferSent(request.body))
  })
}
