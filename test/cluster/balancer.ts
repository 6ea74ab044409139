import { Agent, createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

export interface Balancer {
  readonly origin: string
  readonly add: (origin: string) => void
  /** Sends no more requests there. Resolves once those that are under way are answered. */
  readonly drain: (origin: string) => Promise<void>
}

/** A load balancer without sticky sessions: each request goes to the next process. */
export async function startBalancer (t: Pick<Test, 'teardown'>): Promise<Balancer> {
  const agent = new Agent({ keepAlive: true, maxSockets: 100 })
  const origins: string[] = []
  const underWay = new Map<string, number>()
  const idle = new Map<string, () => void>()
  let turn = 0

  function done (origin: string): void {
    const left = (underWay.get(origin) ?? 0) - 1
    underWay.set(origin, left)
    if (left === 0) idle.get(origin)?.()
  }

  const server = createServer((incoming: IncomingMessage, answer: ServerResponse) => {
    const origin = origins[turn++ % origins.length] ?? ''
    underWay.set(origin, (underWay.get(origin) ?? 0) + 1)
    // As reverse proxies do, it says who asks itself.
    const headers = { ...incoming.headers, 'x-forwarded-for': incoming.socket.remoteAddress }
    const outgoing = httpRequest(new URL(incoming.url ?? '', origin), { method: incoming.method, headers, agent }, response => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    outgoing.on('error', () => answer.writeHead(502).end())
    answer.on('close', () => done(origin))
    incoming.pipe(outgoing)
  })
  // Whoever keeps a connection must not have it closed while the next request is on its way, nor wait for a place.
  server.keepAliveTimeout = 120_000
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', 2000, resolve))
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
    agent.destroy()
  })
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    add: origin => { origins.push(origin) },
    drain (origin) {
      origins.splice(origins.indexOf(origin), 1)
      return new Promise(resolve => {
        idle.set(origin, resolve)
        if ((underWay.get(origin) ?? 0) === 0) resolve()
      })
    }
  }
}
