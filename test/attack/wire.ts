import { once } from 'node:events'
import { createServer, connect, type Socket } from 'node:net'
import type { Test } from 'tap'

/** What stays on the way: a statement that never arrives, or an answer that is never read. */
export type Held = 'statement' | 'answer'

/** The wire between one process and PostgreSQL. */
export interface Wire {
  /** The database's connection string, by way of this wire. */
  readonly url: string
  /** Statements that were seen since it was told to hold one. */
  readonly seen: string[]
  /**
   * Holds the first statement from now on that this picks, or its answer, and all that comes after.
   *
   * @returns Settles once it is held; an answer is held when the database has given it.
   */
  readonly hold: (held: Held, picks: (sql: string, index: number) => boolean) => Promise<void>
  /** Both ends are cut, for good. */
  readonly cut: () => void
}

/** Lays a wire, until `t` ends. */
export async function layWire (t: Pick<Test, 'teardown'>, database: string): Promise<Wire> {
  const { hostname, port } = new URL(database)
  const sockets = new Set<Socket>()
  const seen: string[] = []
  let order: { held: Held, picks: (sql: string, index: number) => boolean, done: () => void } | undefined
  let stopped: Held | undefined
  let gone = false

  const server = createServer(client => {
    if (gone) return client.destroy()
    const upstream = connect(Number(port), hostname)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => { client.destroy(); upstream.destroy() })
    }
    client.on('data', data => {
      if (stopped) return
      const sql = sqlOf(data)
      if (order && sql !== undefined && order.picks(sql, seen.push(sql) - 1)) {
        stopped = order.held
        if (stopped === 'statement') return order.done()
      }
      upstream.write(data)
    })
    upstream.on('data', data => {
      if (!stopped) return client.write(data)
      if (stopped === 'answer') order?.done()
    })
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const cut = () => {
    gone = true
    for (const socket of sockets) socket.destroy()
  }
  t.teardown(() => {
    cut()
    server.close()
  })
  const address = server.address()
  const url = new URL(database)
  if (address && typeof address === 'object') url.port = String(address.port)
  return {
    url: url.href,
    seen,
    hold: (held, picks) => new Promise(resolve => { order = { held, picks, done: resolve } }),
    cut
  }
}

/** The text of a statement, which `pg` sends as one piece: a simple query, or what starts with a parse message. */
function sqlOf (message: Buffer): string | undefined {
  const [type] = message
  if (type === 0x51) return message.toString('utf8', 5, message.indexOf(0, 5))
  if (type !== 0x50) return undefined
  const start = message.indexOf(0, 5) + 1
  return message.toString('utf8', start, message.indexOf(0, start))
}
