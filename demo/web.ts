import cookie from '@fastify/cookie'
import formbody from '@fastify/formbody'
import rateLimit from '@fastify/rate-limit'
import session from '@fastify/session'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import twoFactor, { kyselyStorage } from 'fastify-authenticator-2fa'
import { adminAccount, demoAccount, emailPattern, type Account } from './accounts.js'
import type { Demo } from './app.js'
import { html, type Html } from './html.js'
import { accountForm, layout } from './layout.js'
import { policy, toUser } from './policy.js'
import { nextPath, sameOrigin } from './same-origin.js'
import { sessionLifetime, sessionStore } from './session-store.js'

declare module 'fastify' {
  interface Session {
    account?: Account
  }

  interface FastifyReply {
    /** Sends a page of the demo. */
    page: (title: string, content: Html) => FastifyReply
  }
}

/** The bank's pages: sessions, and a second factor kept in them. */
export async function web (app: FastifyInstance, { config, db, checker, accounts, clock }: Demo): Promise<void> {
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
  app.decorateReply('page', function (title, content) {
    const { account } = this.request.session ?? {}
    return this.type('text/html; charset=utf-8').header('cache-control', 'no-store')
      .send(layout({ title, account, checked: checker.where(), content }))
  })
  await app.register(twoFactor, {
    issuer: 'Acme Bank',
    encryptionKeys: config.encryptionKeys,
    storage: kyselyStorage(db),
    verifier: checker.verifiers,
    getUser: ({ session }) => session.account && toUser(session.account),
    policy,
    trustedDevices: true,
    audit: true,
    loginUrl: '/sign-in',
    defaultRedirect: '/dashboard',
    clock
  })
  app.setErrorHandler<FastifyError>((error, request, reply) => sendError(error, request, reply))
  app.setNotFoundHandler((_request, reply) => reply.code(404).page('There is no such page', html`
<p><a href="/">Home</a></p>`))
  await app.register(signing, { accounts })
  pages(app, { accounts, checker })
}

/** Sign-up, sign-in and sign-out: the host's own, and limited by address. */
async function signing (app: FastifyInstance, { accounts }: Pick<Demo, 'accounts'>): Promise<void> {
  // The forms that take a password alone, so that guesses from an address keep nobody there from signing out.
  await app.register(rateLimit, { global: false })
  const limited = { rateLimit: { max: 30, timeWindow: 60_000 } }
  app.addHook('onRequest', sameOrigin)
  const credentials = {
    type: 'object',
    required: ['email', 'password'],
    properties: {
      email: { type: 'string', maxLength: 254, pattern: emailPattern },
      password: { type: 'string', minLength: 1, maxLength: 200 },
      next: { type: 'string', maxLength: 2048 }
    }
  }
  interface Form { Body: { email: string, password: string, next?: string } }

  for (const action of ['sign-in', 'sign-up'] as const) {
    const title = action === 'sign-in' ? 'Sign in' : 'Create an account'
    app.get<{ Querystring: { next?: string } }>(`/${action}`, async (request, reply) =>
      reply.page(title, accountForm({ action, next: request.query.next })))

    app.post<Form>(`/${action}`, {
      schema: { body: credentials }, attachValidation: true, config: limited
    }, async (request, reply) => {
      const { email = '', password = '', next } = request.body ?? {}
      const again = (status: number, problem: string) =>
        reply.code(status).page(title, accountForm({ action, email: String(email), problem, next }))
      if (request.validationError) return again(400, 'Enter an e-mail address and a password.')
      if (action === 'sign-up' && password.length < 12) return again(400, 'Take at least 12 characters.')

      const account = action === 'sign-up' ? await accounts.signUp(email, password) : await accounts.signIn(email, password)
      if (!account) {
        return action === 'sign-up'
          ? again(409, 'There is an account with this address already.')
          : again(401, 'The e-mail address or the password is not right.')
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
    return reply.redirect('/', 303)
  })
}

function pages (app: FastifyInstance, { accounts, checker }: Pick<Demo, 'accounts' | 'checker'>): void {
  app.get('/', async (_request, reply) => reply.page('A bank that asks twice', html`
<p>This demo walks through two-factor authentication, from the first password to a lost phone.</p>
<ol class="story card">
<li><a href="/sign-in">Sign in</a> as <code>${demoAccount.email}</code> with <code>${demoAccount.password}</code>, or
<a href="/sign-up">create an account</a>.</li>
<li>Open the <a href="/dashboard">dashboard</a>: without a second factor, the password is enough for the first 14 days.</li>
<li><a href="/2fa/setup">Set up two-factor authentication</a>: scan the QR code with an authenticator app. No phone at hand?
Open the <a href="/phone" target="_blank">demo phone</a> and type the key.</li>
<li>Sign out and in again: now the dashboard asks for a code.</li>
<li>Send money by a <a href="/transfer">transfer</a>: it asks again if your code is older than five minutes.</li>
<li>See what support staff see under <a href="/admin">admin</a>: as <code>${adminAccount.email}</code>, with the same password. The bank
lets its staff in nowhere without a second factor.</li>
<li>Lose your phone: sign in with a recovery code.</li>
</ol>`))

  app.get('/dashboard', { config: { twoFactor: true } }, async (request, reply) => {
    const { enabled, authenticators, requiredFrom, daysLeft } = await request.twoFactor.status()
    // Each stays with the checker that it was set up with.
    const checked = new Set(authenticators?.map(({ kind }) => checker.where(kind)))
    return reply.page('Dashboard', html`
<div class="card"><p>Your balance</p><p class="balance">€ 4,209.17</p></div>
${enabled
    ? html`<p class="note">You signed in with your password and a code. Your codes are checked ${[...checked].join(' and ')}.</p>`
    : html`<p class="note">You signed in with your password alone. <a href="/2fa/setup">Set up two-factor authentication</a>.
${requiredFrom !== null && html`Without it you can go on until <time>${requiredFrom.toISOString().slice(0, 10)}</time>:
${daysLeft === 1 ? '1 day' : `${daysLeft} days`} left.`}</p>`}`)
  })

  app.get('/transfer', { config: { twoFactor: { maxAge: 300 } } }, async (_request, reply) =>
    reply.page('Transfer', html`
<form class="card" method="post" action="/transfer">
<label for="to">To</label><input id="to" name="to" required maxlength="80">
<label for="amount">Amount in €</label><input id="amount" name="amount" inputmode="decimal" required pattern="[1-9][0-9]{0,5}">
<button>Send</button>
</form>`))

  const transfer = {
    type: 'object',
    required: ['to', 'amount'],
    properties: { to: { type: 'string', minLength: 1, maxLength: 80 }, amount: { type: 'string', pattern: '^[1-9][0-9]{0,5}$' } }
  }
  app.post<{ Body: { to: string, amount: string } }>('/transfer', {
    schema: { body: transfer }, config: { twoFactor: { maxAge: 300 } }, onRequest: sameOrigin
  }, async (request, reply) => reply.page('Sent', html`
<p class="note" role="status">€ ${request.body.amount} are on their way to ${request.body.to}.</p>
<p><a href="/dashboard">Back to the dashboard</a></p>`))

  app.get('/settings', { config: { twoFactor: true } }, async (request, reply) => {
    const { enabled } = await request.twoFactor.status()
    return reply.page('Settings', html`
<div class="card">
<h2>Account</h2>
<p>${request.session.account?.email}</p>
<h2>Two-factor authentication</h2>
<p>It is ${enabled ? 'on' : 'off'}. <a href="/2fa/">${enabled ? 'Change it' : 'Set it up'}</a></p>
</div>`)
  })

  app.get('/admin', { config: { twoFactor: 'required' } }, async (request, reply) => {
    onlyAdmin(request)
    const rows = await Promise.all((await accounts.list()).map(async ({ id, email }) => {
      const { enabled, failedAttempts, recoveryCodesLeft, lockedUntil } = await app.twoFactor.status(id)
      return html`<tr><td>${email}</td><td>${enabled ? 'on' : 'off'}</td><td>${lockedUntil ? 'locked' : failedAttempts}</td>
<td>${recoveryCodesLeft}</td><td>${enabled && html`
<form method="post" action="/admin/${id}/unlock"><button class="quiet">Unlock</button></form>
<form method="post" action="/admin/${id}/reset"><button class="quiet">Reset</button></form>`}</td></tr>`
    }))
    return reply.page('Support', html`
<div class="card scroll"><table>
<thead><tr><th>Account</th><th>Two-factor</th><th>Wrong codes</th><th>Recovery codes</th><th></th></tr></thead>
<tbody>${rows}</tbody>
</table></div>`)
  })

  for (const action of ['unlock', 'reset'] as const) {
    app.post<{ Params: { id: string } }>(`/admin/:id/${action}`, {
      config: { twoFactor: { maxAge: 300 } }, onRequest: sameOrigin
    }, async (request, reply) => {
      onlyAdmin(request)
      await app.twoFactor[action](request.params.id)
      return reply.redirect('/admin', 303)
    })
  }

  app.get('/phone', async (_request, reply) => reply.page('Demo phone', html`
<p class="note">Only in this demo: what an authenticator app does, in this browser. A real second factor is another device.</p>
<div class="phone">
<ul id="accounts"></ul>
<form id="add">
<label for="key">Key, or <code>otpauth:</code> address</label>
<textarea id="key" name="key" rows="3" required spellcheck="false" autocomplete="off"></textarea>
<p class="problem" id="problem" role="alert" hidden>That is no key of an authenticator.</p>
<button>Add account</button>
</form>
</div>
<script type="module" src="/public/phone.js"></script>`))
}

function onlyAdmin (request: FastifyRequest): void {
  if (request.session.account?.role !== 'admin') {
    throw Object.assign(new Error('This page is for support staff. Sign in with another account'), { statusCode: 403 })
  }
}

function sendError (error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const status = error.statusCode ?? 500
  if (status >= 500) request.log.error(error)
  const message = status >= 500 && status !== 503 ? 'Something went wrong. Please try again' : error.message
  return reply.code(status).page('This did not work', html`
<p class="problem" role="alert">${message}.</p><p><a href="/">Home</a></p>`)
}
