import { Agent, request } from 'undici'

const dispatcher = new Agent({ connections: 20 })

/** A client that is being prepared: it keeps its cookies as a browser does. */
export interface Visitor {
  readonly origin: string
  /** What it sends with each request. */
  readonly headers: () => Record<string, string>
  /** @throws {Error} if the answer is no success. */
  readonly post: (path: string, body?: object) => Promise<Record<string, unknown>>
}

export function createVisitor (origin: string): Visitor {
  const jar = new Map<string, string>()
  const headers = () => ({
    origin, cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), 'content-type': 'application/json'
  })
  return {
    origin,
    headers,
    async post (path, body = {}) {
      const answer = await request(origin + path, { dispatcher, method: 'POST', headers: headers(), body: JSON.stringify(body) })
      const text = await answer.body.text()
      if (answer.statusCode >= 300) throw new Error(`${path} answered ${answer.statusCode}: ${text}`)
      for (const header of [answer.headers['set-cookie'] ?? []].flat()) keep(jar, header)
      return JSON.parse(text) as Record<string, unknown>
    }
  }
}

function keep (jar: Map<string, string>, header: string): void {
  const [pair = ''] = header.split(';', 1)
  const name = pair.slice(0, pair.indexOf('='))
  if (/;\s*max-age=0/i.test(header)) jar.delete(name)
  else jar.set(name, pair.slice(name.length + 1))
}
