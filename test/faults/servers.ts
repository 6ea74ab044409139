import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'
import { startProxy, type DatabaseProxy } from './proxy.js'
import type { Order } from './server.js'

export interface Server {
  readonly origin: string
  readonly proxy: DatabaseProxy
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
  const proxy = await startProxy(t, databaseUrl)
  const child = fork(new URL('./server.ts', import.meta.url), {
    // Whoever is killed cannot tell what it has covered.
    env: { ...process.env, ...environment, DATABASE_URL: proxy.url, NOW: String(clock()), _TAPJS_PROCESSINFO_COVERAGE_: '0' },
    silent: true
  })
  t.teardown(() => child.kill('SIGKILL'))
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { log += text })
  const { origin, order } = await talkTo(child, () => log)

  return {
    origin,
    proxy,
    order,
    isDead: () => child.killed,
    lastWords: () => child.exitCode === null ? undefined : `${child.exitCode}: ${log.slice(-1500)}`,
    kill () {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      proxy.cut()
      return Promise.resolve(gone)
    },
    takeLog () {
      const taken = log
      log = ''
      return taken
    }
  }
}

interface Message {
  readonly origin?: string
  readonly id?: number
  readonly result?: unknown
  readonly error?: string
}

/** Waits until a server listens, and then says what to do to it. */
async function talkTo (child: ChildProcess, log: () => string): Promise<Pick<Server, 'origin' | 'order'>> {
  const waiting = new Map<number, (message: Message) => void>()
  let orders = 0
  const origin = await new Promise<string>((resolve, reject) => {
    child.on('message', (message: Message) => {
      if (message.origin !== undefined) resolve(message.origin)
      if (message.id !== undefined) waiting.get(message.id)?.(message)
    })
    child.on('exit', code => {
      reject(new Error(`The server ended with ${code}: ${log().slice(-2000)}`))
      for (const tell of waiting.values()) tell({ error: 'killed' })
    })
  })
  return {
    origin,
    order: order => new Promise((resolve, reject) => {
      const id = ++orders
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id)
        if (error === undefined) resolve(result)
        else reject(new Error(error))
      })
      if (child.killed) return waiting.get(id)?.({ error: 'killed' })
      child.send({ id, order }, error => { if (error) waiting.get(id)?.({ error: String(error) }) })
    })
  }
}
