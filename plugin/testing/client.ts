import type { InjectOptions, LightMyRequestResponse } from 'fastify'
import type { Moment } from './codes.js'
import { createTestPhone, type TestPhone } from './phone.js'

/** An app, as much of it as is used here. */
export interface InjectableApp {
  inject (options: InjectOptions): Promise<LightMyRequestResponse>
}

export interface TestClientOptions {
  /** The clock that the plugin was given. Default is `Date.now`. */
  readonly clock?: Moment

  /** Path of the plugin's routes, with the prefix of its context. Default is `/2fa`. */
  readonly prefix?: string

  /** Headers of every request, such as the `authorization` of a client of `bearerProof()`. Default is none. */
  readonly headers?: Readonly<Record<string, string>>

  /** Header of the proof token: `header` of `bearerProof()`. Default is `two-factor-proof`. */
  readonly proofHeader?: string
}

/** What a user has after a setup. */
export interface TestEnrolment {
  readonly phone: TestPhone
  /** Empty for a further authenticator. */
  readonly recoveryCodes: readonly string[]
  /** The secret in Base32. */
  readonly secret: string
  readonly uri: string
}

/** A client of an app, which keeps its cookies, and its proof token if it is handed one. */
export interface TestClient {
  /** As `app.inject`. */
  inject (options: InjectOptions | string): Promise<LightMyRequestResponse>

  /**
   * Sets an authenticator up for the user who is signed in. The client has passed then.
   *
   * @param name - Name of the authenticator. Default is the plugin's.
   * @throws {Error} if the app refuses, with what it said.
   */
  enrol (name?: string): Promise<TestEnrolment>

  /**
   * Passes, by a code of a phone or by the code that is given.
   *
   * @throws {Error} if the app refuses, with what it said.
   */
  pass (by: TestPhone | string): Promise<void>
}

/** A client over `app.inject`, for the tests of a host. Sign it in by the login of the host itself. */
export function createTestClient (
  app: InjectableApp,
  { clock = Date.now, prefix = '/2fa', headers = {}, proofHeader = 'two-factor-proof' }: TestClientOptions = {}
): TestClient {
  const cookies = new Map<string, string>()
  let proofToken: string | undefined

  async function inject (given: InjectOptions | string): Promise<LightMyRequestResponse> {
    const options = typeof given === 'string' ? { url: given } : given
    const response = await app.inject({
      ...options,
      headers: { ...headers, ...proofToken !== undefined && { [proofHeader]: proofToken }, ...options.headers },
      cookies: { ...Object.fromEntries(cookies), ...options.cookies }
    })
    for (const { name, value, maxAge, expires } of response.cookies) {
      if (maxAge === 0 || (expires && expires.getTime() <= Date.now())) cookies.delete(name)
      else cookies.set(name, value)
    }
    return response
  }

  async function send<Reply> (path: string, payload?: object): Promise<Reply> {
    const response = await inject({ method: 'POST', url: `${prefix}${path}`, ...payload && { payload } })
    if (response.statusCode !== 200) {
      throw new Error(`POST ${prefix}${path} answered ${response.statusCode}: ${response.body}`)
    }
    const reply = response.json<Reply & { readonly proofToken?: string }>()
    proofToken = reply.proofToken ?? proofToken
    return reply
  }

  return {
    inject,

    async enrol (name) {
      const { secret, uri, setupToken } = await send<{ secret: string, uri: string, setupToken?: string }>('/setup')
      const phone = createTestPhone(uri, clock)
      const { recoveryCodes } = await send<{ recoveryCodes: string[] }>('/setup/confirm', {
        code: phone.code(), ...name !== undefined && { name }, ...setupToken !== undefined && { setupToken }
      })
      return { phone, recoveryCodes, secret, uri }
    },

    async pass (by) {
      await send('/verify', { code: typeof by === 'string' ? by : by.code() })
    }
  }
}
