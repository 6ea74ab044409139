import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'

/** A process of this harness, which does as it is told. */
export interface Process<Order> {
  readonly child: ChildProcess
  readonly origin: string
  /** Kills it at once, as a power cut would. */
  readonly kill: () => Promise<unknown>
  readonly signal: (name: NodeJS.Signals) => void
  /** Asks something of it. Rejects if it is killed before it answers. */
  readonly order: (order: Order) => Promise<unknown>
  /** What it has said since the last call. */
  readonly takeLog: () => string
  /** What it said at last if it ended by itself. */
  readonly lastWords: () => string | undefined
}

/** Starts one of a file, and waits until it listens. */
export async function startProcess<Order extends object> (
  t: Pick<Test, 'teardown'>, file: string, environment: Record<string, string>
): Promise<Process<Order>> {
  const child = fork(new URL(file, import.meta.url), {
    // Whoever is killed cannot tell what it has covered.
    env: { ...process.env, ...environment, _TAPJS_PROCESSINFO_COVERAGE_: '0' },
    silent: true
  })
  t.teardown(() => child.kill('SIGKILL'))
  let log = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { log += text })
  const { origin, order } = await talkTo<Order>(child, () => log)
  return {
    child,
    origin,
    order,
    kill () {
      const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined
      child.kill('SIGKILL')
      return Promise.resolve(gone)
    },
    signal (name) {
      // By the number: a child that was sent any signal counts as killed.
      if (child.pid !== undefined) process.kill(child.pid, name)
    },
    takeLog () {
      const taken = log
      log = ''
      return taken
    },
    lastWords: () => child.exitCode === null ? undefined : `${child.exitCode}: ${log.slice(-1500)}`
  }
}

interface Message {
  readonly origin?: string
  readonly id?: number
  readonly result?: unknown
  readonly error?: string
}

/** What a process is told. */
export interface Numbered<Order> {
  readonly id: number
  readonly order: Order
}

/** Does, in such a process, what it is told, and says where it listens. */
export function listen<Order> (origin: string, obey: (order: Order) => unknown): void {
  process.on('message', ({ id, order }: Numbered<Order>) => {
    Promise.resolve(order).then(obey)
      .then(result => process.send?.({ id, result }))
      .catch((error: unknown) => process.send?.({ id, error: String(error) }))
  })
  process.on('disconnect', () => process.exit())
  process.send?.({ origin })
}

/** Waits until a process listens, and then says what to do to it. */
async function talkTo<Order extends object> (
  child: ChildProcess, log: () => string
): Promise<Pick<Process<Order>, 'origin' | 'order'>> {
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
