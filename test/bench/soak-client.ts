import { randomBytes } from 'node:crypto'
import { Pool } from 'undici'

export interface Answer {
  readonly status: number
  readonly body: { readonly [key: string]: unknown }
}

export interface Client {
  /** The cookies that it has, by name. Those that stay when it logs out are its user's to keep. */
  readonly cookies: Map<string, string>
  readonly send: (method: 'GET' | 'POST', path: string, body?: object) => Promise<Answer>
  /** Headers that it sends with each request. */
  readonly headers: Record<string, string>
}

export interface Network {
  readonly connect: (cookies?: Map<string, string>) => Client
  readonly close: () => Promise<void>
}

/**
 * Clients of one server, each with an address of its own.
 *
 * @param onAnswer - Told how long each request took, in milliseconds.
 */
export function openNetwork (origin: string, onAnswer: (took: number) => void): Network {
  const pool = new Pool(origin, { connections: 64, headersTimeout: 30_000 })

  function connect (cookies = new Map<string, string>()): Client {
    const headers: Record<string, string> = { 'x-forwarded-for': [...randomBytes(4)].join('.') }
    return {
      cookies,
      headers,
      async send (method, path, body) {
        const begin = performance.now()
        const response = await pool.request({
          method,
          path,
          headers: {
            ...headers,
            ...(cookies.size > 0 && { cookie: [...cookies].map(pair => pair.join('=')).join('; ') }),
            ...(body && { 'content-type': 'application/json' })
          },
          ...(body && { body: JSON.stringify(body) })
        })
        keep(cookies, response.headers['set-cookie'])
        const answer = { status: response.statusCode, body: await response.body.json() as Answer['body'] }
        onAnswer(performance.now() - begin)
        return answer
      }
    }
  }

  return { connect, close: () => pool.close() }
}

function keep (cookies: Map<string, string>, given: string | string[] | undefined): void {
  for (const header of [given ?? []].flat()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(header) ?? []
    if (name === undefined || value === undefined) continue
    if (value === '') cookies.delete(name)
    else cookies.set(name, value)
  }
}
