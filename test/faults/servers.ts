import type { Test } from 'tap'
import { startProcess } from './process.js'
import { readStatements, startProxy, type Proxy } from './proxy.js'
import type { Order } from './server.js'

export interface Server {
  readonly origin: string
  /** Its way to the database. */
  readonly proxy: Proxy
  /** Whether it was killed. */
  readonly isDead: () => boolean
  /** What it said at last if it ended by itself. */
  readonly lastWords: () => string | undefined
  /** Kills it at once, as a power cut would. */
  readonly kill: () => Promise<unknown>
  /** Asks something of it. Rejects if it is killed before it answers. */
  readonly order: (order: Order) => Promise<unknown>
  /** What it has logged since the last call. */
  readonly takeLog: () => string
}

export interface Servers {
  /** Those that answer now. */
  readonly running: () => readonly Server[]
  /** Puts others in the place of those that were killed, as a supervisor does. */
  readonly replaceDead: () => Promise<void>
  readonly setClock: (now: number) => Promise<void>
}

export interface ServersOptions {
  readonly databaseUrl: string
  readonly environment: Record<string, string>
  readonly count: number
  readonly clock: () => number
}

/** Servers on one database, each with a way of its own to it, and one more that waits for the place of a killed one. */
export async function startServers (t: Pick<Test, 'teardown'>, options: ServersOptions): Promise<Servers> {
  const { clock, count } = options
  const start = () => startServer(t, options)
  const running = await Promise.all(Array.from({ length: count }, start))
  let spare = start()
  return {
    running: () => running,
    async replaceDead () {
      for (const [index, server] of running.entries()) {
        if (!server.isDead() && server.lastWords() === undefined) continue
        const next = await spare
        running[index] = next
        await next.order({ clock: clock() })
        spare = start()
        // Awaited later, if at all.
        spare.catch(() => {})
      }
    },
    async setClock (now) {
      await Promise.all(running.map(server => server.order({ clock: now })))
    }
  }
}

async function startServer (
  t: Pick<Test, 'teardown'>, { databaseUrl, environment, clock }: ServersOptions
): Promise<Server> {
  const url = new URL(databaseUrl)
  const proxy = await startProxy(t, Number(url.port), readStatements)
  url.port = String(proxy.port)
  const { child, kill, ...server } = await startProcess<Order>(t, './server.ts', {
    ...environment, DATABASE_URL: url.href, NOW: String(clock())
  })
  return {
    ...server,
    proxy,
    isDead: () => child.killed,
    kill () {
      const gone = kill()
      proxy.cut()
      return gone
    }
  }
}
