import rateLimit from '@fastify/rate-limit'
import type { FastifyError, FastifyInstance } from 'fastify'
import twoFactor, { bearerProof, kyselyStorage } from 'fastify-authenticator-2fa'
import { emailPattern, type Account } from './accounts.js'
import type { Demo } from './app.js'
import { policy, toUser } from './policy.js'

declare module 'fastify' {
  interface FastifyRequest {
    account: Account | undefined
  }
}

/** The bank's API: bearer tokens, no cookies, and the same second factor as the pages. */
export async function api (app: FastifyInstance, { config, db, checker, accounts, clock }: Demo): Promise<void> {
  // What the database says is for the log alone.
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const { statusCode = 500 } = error
    if (statusCode < 500 || statusCode === 503) return reply.send(error)
    request.log.error(error)
    return reply.code(500).send({ statusCode: 500, error: 'Internal Server Error', message: 'Something went wrong. Please try again' })
  })
  app.setNotFoundHandler((_request, reply) =>
    reply.code(404).send({ statusCode: 404, error: 'Not Found', message: 'There is no such route' }))
  app.decorateRequest('account', undefined)
  app.addHook('onRequest', async request => {
    const [, token] = /^Bearer +([\w-]+) *$/i.exec(request.headers.authorization ?? '') ?? []
    if (token !== undefined) request.account = await accounts.findByToken(token)
  })
  await app.register(twoFactor, {
    issuer: 'Acme Bank',
    encryptionKeys: config.encryptionKeys,
    storage: kyselyStorage(db),
    proof: bearerProof(),
    audit: true,
    verifier: checker.verifiers,
    getUser: ({ account }) => account && toUser(account),
    policy,
    clock
  })

  await app.register(async signIn => {
    await signIn.register(rateLimit, { max: 30, timeWindow: 60_000 })
    const body = {
      type: 'object',
      required: ['email', 'password'],
      properties: { email: { type: 'string', maxLength: 254, pattern: emailPattern }, password: { type: 'string', maxLength: 200 } }
    }
    signIn.post<{ Body: { email: string, password: string } }>('/token', { schema: { body } }, async (request, reply) => {
      const account = await accounts.signIn(request.body.email, request.body.password)
      if (!account) return reply.code(401).send({ statusCode: 401, error: 'Unauthorized', message: 'Wrong e-mail or password' })
      return { token: await accounts.issueToken(account) }
    })
  })

  app.get('/me', { config: { twoFactor: true } }, async ({ account }) => ({ email: account?.email, role: account?.role }))

  const transfer = {
    type: 'object',
    required: ['to', 'amount'],
    properties: { to: { type: 'string', minLength: 1, maxLength: 80 }, amount: { type: 'integer', minimum: 1, maximum: 999_999 } }
  }
  app.post<{ Body: { to: string, amount: number } }>('/transfer', {
    schema: { body: transfer }, config: { twoFactor: { maxAge: 300 } }
  }, async ({ body }) => ({ sent: body.amount, to: body.to }))
}
