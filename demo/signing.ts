import rateLimit from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import { emailPattern } from './accounts.js'
import type { Demo } from './app.js'
import { accountForm, titleOf } from './pages/account-form.js'
import { nextPath, sameOrigin } from './same-origin.js'

const credentials = {
  type: 'object',
  required: ['email', 'password'],
  properties: {
    email: { type: 'string', maxLength: 254, pattern: emailPattern },
    password: { type: 'string', minLength: 1, maxLength: 200 },
    next: { type: 'string', maxLength: 2048 }
  }
}

const refused = {
  'sign-up': [409, 'There is an account with this address already.'],
  'sign-in': [401, 'The e-mail address or the password is not right.']
} as const

interface Form { Body: { email: string, password: string, next?: string } }

/** Signing in, up and out: the host's own, and limited by address. */
export async function signing (app: FastifyInstance, { accounts, config }: Pick<Demo, 'accounts' | 'config'>): Promise<void> {
  // The forms that take a password alone, so that guesses from an address keep nobody there from signing out.
  await app.register(rateLimit, { global: false })
  const limited = { rateLimit: { max: 30, timeWindow: 60_000 } }
  const sampleAccounts = !config.secure
  app.addHook('onRequest', sameOrigin)

  for (const action of ['sign-in', 'sign-up'] as const) {
    app.get<{ Querystring: { next?: string } }>(`/${action}`, async (request, reply) =>
      reply.page(titleOf(action), accountForm({ action, next: request.query.next, sampleAccounts })))

    app.post<Form>(`/${action}`, {
      schema: { body: credentials }, attachValidation: true, config: limited
    }, async (request, reply) => {
      const { email = '', password = '', next } = request.body ?? {}
      const again = (status: number, problem: string) => reply.code(status)
        .page(titleOf(action), accountForm({ action, email: String(email), problem, next, sampleAccounts }))
      if (request.validationError) return again(400, 'Enter an e-mail address and a password.')
      if (action === 'sign-up' && password.length < 12) return again(400, 'Take at least 12 characters.')

      const account = await accounts[action === 'sign-up' ? 'signUp' : 'signIn'](email, password)
      if (!account) {
        const [status, problem] = refused[action]
        return again(status, problem)
      }
      // A new session with nothing of the old one, so that one that was planted gains nothing.
      await request.session.regenerate()
      request.session.account = account
      return reply.redirect(nextPath(next), 303)
    })
  }

  app.post('/sign-out', async (request, reply) => {
    // First the pass, so that a session that a slow request brings back has not passed.
    await request.twoFactor.end()
    await request.session.destroy()
    request.beside?.note('signed-out')
    return reply.redirect('/', 303)
  })
}
