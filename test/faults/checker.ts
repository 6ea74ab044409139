import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Test } from 'tap'
import type { CheckerOrder } from './checker-server.js'
import { startProcess } from './process.js'
import { startProxy, type Proxy } from './proxy.js'

/** A remote checker of codes that suffers what operators and networks do to one. */
export interface SufferingChecker {
  readonly url: string
  /** The way of the servers to it. */
  readonly proxy: Proxy
  readonly setClock: (now: number) => Promise<void>
  /** Kills it. */
  readonly stop: () => Promise<void>
  readonly start: () => Promise<void>
  /** Stops it where it is (SIGSTOP). */
  readonly pause: () => void
  readonly resume: () => void
  /** Takes all connections that it has, and throws out who had one. */
  readonly fill: () => Promise<void>
  readonly free: () => Promise<void>
}

const room = 10

/** Starts one for as long as `t` runs. */
export async function startSufferingChecker (
  t: Pick<Test, 'teardown'>, clock: () => number
): Promise<SufferingChecker> {
  const start = () => startProcess<CheckerOrder>(t, './checker-server.ts', { NOW: String(clock()) })
  const portOf = (origin: string) => Number(new URL(origin).port)
  let running = await start()
  let taken: Socket[] = []
  const proxy = await startProxy(t, portOf(running.origin))
  t.teardown(() => { for (const socket of taken) socket.destroy() })
  return {
    url: `http://127.0.0.1:${proxy.port}`,
    proxy,
    async setClock (now) {
      await running.order({ clock: now })
    },
    async stop () {
      await running.kill()
    },
    async start () {
      running = await start()
      proxy.aim(portOf(running.origin))
    },
    pause: () => running.signal('SIGSTOP'),
    resume: () => running.signal('SIGCONT'),
    async fill () {
      await running.order({ maxConnections: room })
      taken = Array.from({ length: room }, () => connect(portOf(running.origin), '127.0.0.1'))
      await Promise.all(taken.map(socket => once(socket.on('error', () => {}), 'connect')))
    },
    async free () {
      for (const socket of taken) socket.destroy()
      await running.order({ maxConnections: 10_000 })
    }
  }
}
