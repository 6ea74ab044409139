import Fastify, { type FastifyInstance } from 'fastify'
import type { Kysely } from 'kysely'
import { adminAccount, createAccounts, demoAccount, type Accounts } from './accounts.js'
import { api } from './api.js'
import { assets } from './assets.js'
import type { Checker } from './checker.js'
import type { DemoConfig } from './config.js'
import type { DemoDatabase } from './database.js'
import { createPasswords } from './passwords.js'
import { web } from './web.js'

/** What the parts of the demo share. */
export interface Demo {
  readonly config: Pick<DemoConfig, 'encryptionKeys' | 'sessionSecret' | 'secure'> & Partial<Pick<DemoConfig, 'trustedProxies' | 'panel' | 'passwordCost'>>
  readonly db: Kysely<DemoDatabase>
  readonly checker: Checker
  readonly accounts: Accounts
  readonly clock: () => number
}

const contentSecurityPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

/** Puts the demo together. It listens nowhere yet, and the database and the checker stay the caller's. */
export async function buildApp (
  { config, db, checker, clock = Date.now }: Pick<Demo, 'config' | 'db' | 'checker'> & { readonly clock?: () => number }
): Promise<FastifyInstance> {
  const { trustedProxies = [] } = config
  const app = Fastify({
    // The embedded database puts the values of a failed statement into its error.
    logger: { level: 'warn', redact: ['err.params'] },
    trustProxy: trustedProxies.length > 0 ? [...trustedProxies] : false
  })
  app.addHook('onRequest', async (_request, reply) => {
    reply.headers({ 'content-security-policy': contentSecurityPolicy, 'x-content-type-options': 'nosniff' })
  })
  await app.register(assets)

  const accounts = createAccounts(db, clock, createPasswords(config.passwordCost))
  const demo: Demo = { config, db, checker, accounts, clock }
  await app.register(web, demo)
  await app.register(api, { ...demo, prefix: '/api' })
  // Their password is in the documentation, so they are not for production.
  if (!config.secure) {
    const there = (await accounts.list()).map(({ email }) => email)
    await Promise.all(([[demoAccount, 'user'], [adminAccount, 'admin']] as const)
      .filter(([{ email }]) => !there.includes(email))
      .map(([{ email, password }, role]) => accounts.signUp(email, password, role)))
  }
  return app
}
