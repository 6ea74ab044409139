import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import session from '@fastify/session'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import twoFactor, { kyselyStorage } from 'fastify-authenticator-2fa'
import type { Account } from './accounts.js'
import type { Demo } from './app.js'
import { bank } from './bank.js'
import { besidePages } from './beside.js'
import { html, type Html } from './html.js'
import { layout } from './pages/layout.js'
import { noteEvent } from './panel/recording.js'
import { pluginPages } from './plugin-pages.js'
import { policy, toUser } from './policy.js'
import { sessionLifetime, sessionStore } from './session-store.js'
import { signing } from './signing.js'
import { support } from './support.js'

declare module 'fastify' {
  interface Session {
    account?: Account
  }

  interface FastifyReply {
    /** Makes a page of the demo, to be answered by a handler. */
    page: (title: string, content: Html) => Promise<string>
    /** The document of a page alone: of the package's, by its name, with what it needs in its head. */
    document: (title: string, content: Html, page?: { readonly name: string, readonly head: Html }) => Promise<string>
  }
}

/** The bank's pages: sessions, and a second factor kept in them. */
export async function web (app: FastifyInstance, demo: Demo): Promise<void> {
  const { config, db, checker, clock } = demo
  const { panel = true } = config
  await app.register(cookie)
  await app.register(session, {
    secret: config.sessionSecret,
    cookieName: config.secure ? '__Host-session' : 'session',
    cookie: { path: '/', httpOnly: true, sameSite: 'lax', secure: config.secure, maxAge: sessionLifetime },
    store: sessionStore(db, clock),
    saveUninitialized: false,
    rolling: false
  })
  await app.register(formbody)
  if (panel) besidePages(app, demo)
  decorate(app, demo)
  await app.register(twoFactor, {
    issuer: 'Acme Bank',
    encryptionKeys: config.encryptionKeys,
    storage: kyselyStorage(db),
    verifier: checker.verifiers,
    getUser: ({ session }) => session.account && toUser(session.account),
    policy,
    trustedDevices: true,
    audit: true,
    pages: pluginPages(panel),
    onEvent: noteEvent,
    loginUrl: '/sign-in',
    defaultRedirect: '/dashboard',
    clock
  })
  app.setErrorHandler<FastifyError>(sendError)
  app.setNotFoundHandler((_request, reply) => reply.code(404).page('There is no such page', html`
<h1>There is no such page</h1><p><a href="/">Home</a></p>`))
  await app.register(signing, demo)
  await app.register(support, demo)
  bank(app, demo)
}

function decorate (app: FastifyInstance, { checker }: Pick<Demo, 'checker'>): void {
  app.decorateReply('document', async function (title, content, page) {
    const { request } = this
    // A database that has failed is not asked again for the sake of the panel.
    const beside = await request.beside?.parts({ name: page?.name, reads: this.statusCode < 500 })
    const { account } = request.session ?? {}
    const [path = ''] = request.url.split('?', 1)
    return layout({ title, path, account, checked: checker.where(), content, head: page?.head, ...beside })
  })
  app.decorateReply('page', function (title, content) {
    this.type('text/html; charset=utf-8').header('cache-control', 'no-store')
    return this.document(title, content)
  })
}

async function sendError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): Promise<string> {
  const status = error.statusCode ?? 500
  if (status >= 500) request.log.error(error)
  const message = status >= 500 && status !== 503 ? 'Something went wrong. Please try again' : error.message
  return reply.code(status).page('This did not work', html`
<h1>This did not work</h1>
<p class="problem" role="alert">${message}.</p><p><a href="/">Home</a></p>`)
}
