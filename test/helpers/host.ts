import cookie from '@fastify/cookie'
import session, { type FastifySessionOptions } from '@fastify/session'
import Fastify, { type FastifyInstance, type FastifyServerOptions, type InjectOptions, type LightMyRequestResponse } from 'fastify'
import { Secret, TOTP } from 'otpauth'
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import twoFactor, { kyselyStorage, type TwoFactorOptions, type TwoFactorStorage } from '../../plugin/index.js'
import { openDatabase } from './database.js'

declare module 'fastify' {
  interface Session {
    user?: { id: string, label: string } | null
    basket?: string[]
  }
}

export const encryptionKeys = [randomBytes(32).toString('base64')]

/** A clock that only moves when it is told to. */
export function createClock (start = '2026-01-01T00:00:00Z') {
  let now = Date.parse(start)
  const clock = () => now
  return Object.assign(clock, {
    /** Moves on by this many seconds. */
    advance (seconds: number) { now += seconds * 1000 }
  })
}

export type Clock = ReturnType<typeof createClock>

export interface Host {
  readonly app: FastifyInstance
  readonly clock: Clock
}

export interface HostOptions extends Partial<TwoFactorOptions> {
  clock?: Clock
  server?: FastifyServerOptions
  session?: Partial<FastifySessionOptions>
  /** Runs before the plugin is registered. */
  before?: (app: FastifyInstance) => unknown
  /** Runs after it. */
  after?: (app: FastifyInstance) => unknown
}

/**
 * A host as the README has it: sessions, a login by name and a few routes. Its storage is an empty one
 * on PostgreSQL, unless another one is given.
 */
export async function buildHost (t: Pick<Test, 'teardown'>, given: HostOptions = {}): Promise<Host> {
  const { clock = createClock(), server, session: sessionOptions, before, after, ...options } = given
  const app = Fastify(server)
  t.teardown(() => app.close())
  await app.register(cookie)
  await app.register(session, {
    secret: 'x'.repeat(32), cookie: { secure: false }, saveUninitialized: false, ...sessionOptions
  })
  app.post<{ Params: { user: string } }>('/login/:user', { config: { twoFactor: false } }, async request => {
    const { user } = request.params
    request.session.user = { id: user, label: `${user}@example.com` }
    return { user }
  })
  app.post('/logout', { config: { twoFactor: false } }, async request => {
    await request.twoFactor.end()
    await request.session.destroy()
    return {}
  })
  await before?.(app)
  await app.register(twoFactor, {
    issuer: 'Acme',
    encryptionKeys,
    storage: options.storage ?? kyselyStorage(await openDatabase()),
    // Each one takes as long as a request.
    recoveryCodes: 5,
    getUser: request => request.session.user ?? null,
    clock,
    ...options
  })
  app.get('/dashboard', { config: { twoFactor: true } }, async () => ({ dashboard: true }))
  app.get('/admin', { config: { twoFactor: 'required' } }, async () => ({ admin: true }))
  app.post('/transfer', { config: { twoFactor: { maxAge: 300 } } }, async () => ({ sent: true }))
  app.get('/public', { config: { twoFactor: false } }, async () => ({ public: true }))
  await after?.(app)
  await app.ready()
  return { app, clock }
}

/** The same storage with something in front of each call: to count calls, to fail them or to hold them up. */
export function intercept (
  storage: TwoFactorStorage, before: (method: keyof TwoFactorStorage, given: readonly unknown[]) => unknown
): TwoFactorStorage {
  return new Proxy(storage, {
    get (target, name: keyof TwoFactorStorage) {
      return async (...given: unknown[]) => {
        await before(name, given)
        return (target[name] as (...given: unknown[]) => unknown)(...given)
      }
    }
  })
}

/** A client with a cookie jar, over `inject`. */
export class Client {
  readonly app: FastifyInstance
  cookies: Record<string, string> = {}
  headers: Record<string, string> = {}

  constructor (app: FastifyInstance) {
    this.app = app
  }

  async request (options: InjectOptions): Promise<LightMyRequestResponse> {
    const response = await this.app.inject({
      ...options, cookies: this.cookies, headers: { ...this.headers, ...options.headers }
    })
    for (const { name, value } of response.cookies) this.cookies[name] = value
    return response
  }

  get (url: string, headers: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return this.request({ method: 'GET', url, headers })
  }

  post (url: string, payload?: object): Promise<LightMyRequestResponse> {
    return this.request({ method: 'POST', url, ...(payload && { payload }) })
  }

  /** Sends a form as a browser of today does. */
  form (url: string, fields: Record<string, string> = {}): Promise<LightMyRequestResponse> {
    return this.request({
      method: 'POST',
      url,
      payload: new URLSearchParams(fields).toString(),
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        accept: 'text/html,application/xhtml+xml',
        'sec-fetch-site': 'same-origin'
      }
    })
  }

  page (url: string): Promise<LightMyRequestResponse> {
    return this.get(url, { accept: 'text/html,application/xhtml+xml' })
  }
}

/** The code that an app shows for this key: by a library of its own. */
export function codeAt (secret: string, clock: () => number, steps = 0, algorithm = 'SHA1', digits = 6): string {
  return new TOTP({ secret, algorithm, digits }).generate({ timestamp: clock() + steps * 30_000 })
}

/** A code that is wrong in the whole window. */
export function wrongCode (secret: string, clock: () => number): string {
  const near = [-2, -1, 0, 1, 2].map(steps => codeAt(secret, clock, steps))
  return ['000000', '111111', '222222', '333333', '444444', '555555'].find(code => !near.includes(code)) ?? ''
}

export interface Enrolled {
  readonly client: Client
  readonly secret: string
  readonly recoveryCodes: string[]
}

/** Of a user without recovery codes. */
export type Imported = Omit<Enrolled, 'recoveryCodes'>

/** Signs in and enrols; the client has passed then. */
export async function enrol ({ app, clock }: Host, user = 'ada'): Promise<Enrolled> {
  const client = new Client(app)
  await client.post(`/login/${user}`)
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const confirmed = await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  if (confirmed.statusCode !== 200) throw new Error(confirmed.body)
  return { client, secret, recoveryCodes: confirmed.json<{ recoveryCodes: string[] }>().recoveryCodes }
}

/**
 * The same for a user whose app is taken over from elsewhere. There are no recovery codes then, whose hashes take
 * longer than all the rest of a small test.
 */
export async function enrolByImport (host: Host, user = 'ada'): Promise<Imported> {
  const secret = new Secret().base32
  await host.app.twoFactor.importSecret(user, { secret })
  const client = await signIn(host, user)
  const verified = await client.post('/2fa/verify', { code: codeAt(secret, host.clock) })
  if (verified.statusCode !== 200) throw new Error(verified.body)
  return { client, secret }
}

/** Another client of a user, past the password alone. */
export async function signIn ({ app }: Host, user = 'ada'): Promise<Client> {
  const client = new Client(app)
  await client.post(`/login/${user}`)
  return client
}
