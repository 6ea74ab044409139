import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { Test } from 'tap'

export interface ServerProcess {
  readonly origin: string
  /** Sets its clock, to milliseconds since the epoch. */
  readonly setClock: (now: number) => Promise<unknown>
}

/** A server of its own, until `t` ends. */
export async function startServer (
  t: Pick<Test, 'teardown'>, environment: Record<string, string>
): Promise<ServerProcess> {
  const child = fork(new URL('./server.ts', import.meta.url), { env: { ...process.env, ...environment } })
  t.teardown(() => child.kill('SIGKILL'))
  return new Promise((resolve, reject) => {
    child.once('message', address => resolve({
      origin: String(address),
      setClock (now) {
        child.send(now)
        return once(child, 'message')
      }
    }))
    child.once('exit', code => reject(new Error(`The server ended with ${code}`)))
  })
}

export interface Answer {
  readonly status: number
  readonly headers: NodeJS.Dict<string | string[]>
  readonly body: { readonly [key: string]: unknown }
}

const agent = new Agent({ keepAlive: true, maxSockets: 50 })

/** A client over real sockets, with a cookie and an address of its own on loopback. */
export class HttpClient {
  readonly origin: string
  readonly localAddress: string
  cookie = ''

  constructor (origin: string, localAddress = '127.0.0.1') {
    this.origin = origin
    this.localAddress = localAddress
  }

  get (path: string): Promise<Answer> {
    return this.#send('GET', path)
  }

  post (path: string, body: object = {}): Promise<Answer> {
    return this.#send('POST', path, JSON.stringify(body))
  }

  async #send (method: string, path: string, body?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const request = httpRequest(new URL(path, this.origin), {
        method,
        agent,
        localAddress: this.localAddress,
        headers: { cookie: this.cookie, ...(body && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }) }
      }, response => {
        for (const header of response.headers['set-cookie'] ?? []) this.cookie = withCookie(this.cookie, header)
        let text = ''
        response.setEncoding('utf8').on('data', (chunk: string) => { text += chunk }).on('end', () => resolve({
          status: response.statusCode ?? 0, headers: response.headers, body: isJson(response.headers) ? JSON.parse(text) as Answer['body'] : { text }
        }))
      })
      request.on('error', reject)
      request.end(body)
    })
  }
}

/** What a browser sends after it was told to set a cookie. */
function withCookie (jar: string, header: string): string {
  const [pair = ''] = header.split(';', 1)
  const name = pair.slice(0, pair.indexOf('=') + 1)
  return [...jar.split('; ').filter(other => other !== '' && !other.startsWith(name)), pair].join('; ')
}

function isJson (headers: IncomingHttpHeaders): boolean {
  return headers['content-type']?.startsWith('application/json') ?? false
}
