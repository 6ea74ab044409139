import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import type { Test } from 'tap'

/** What stands between a server and its database. */
export interface DatabaseProxy {
  /** The connection string of the database by this way. */
  readonly url: string
  /**
   * Holds back the answer to a statement that the database has carried out, and cuts its connection.
   *
   * @param count - Which one from now on: 1 is the next.
   * @param sprung - Called when that has happened.
   */
  readonly trap: (count: number, sprung: () => void) => void
  /** Takes a trap away that nothing fell into. */
  readonly disarm: () => void
  /** Cuts all connections. */
  readonly cut: () => void
}

// "The statement is done" (PostgreSQL's documentation, 54.7, Message Formats).
const commandComplete = 'C'.charCodeAt(0)

/** A way to a database that can be cut between a statement and its answer, for as long as `t` runs. */
export async function startProxy (t: Pick<Test, 'teardown'>, databaseUrl: string): Promise<DatabaseProxy> {
  const url = new URL(databaseUrl)
  const target = { host: url.hostname, port: Number(url.port) }
  const sockets = new Set<Socket>()
  let left = 0
  let sprung = () => {}

  /** Whether the trap closes on one of these messages. */
  function closesOn (types: readonly number[]): boolean {
    if (left === 0) return false
    const done = types.filter(type => type === commandComplete).length
    if (done < left) {
      left -= done
      return false
    }
    left = 0
    return true
  }

  const server = createServer(near => {
    const far = connect(target)
    const end = () => {
      near.destroy()
      far.destroy()
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {}).on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    near.on('data', data => far.write(data))
    const typesIn = createFraming()
    far.on('data', data => {
      if (closesOn(typesIn(data))) {
        end()
        sprung()
      } else {
        near.write(data)
      }
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = () => { for (const socket of sockets) socket.destroy() }
  t.teardown(() => {
    server.close()
    cut()
  })
  url.port = String((server.address() as AddressInfo).port)
  return {
    url: url.href,
    trap (count, callback) {
      left = count
      sprung = callback
    },
    disarm () { left = 0 },
    cut
  }
}

/** Reads the messages of a database: each is a letter, its length in 4 bytes, and so much. */
function createFraming (): (data: Buffer) => number[] {
  let rest = Buffer.alloc(0)
  return data => {
    rest = Buffer.concat([rest, data])
    const types: number[] = []
    while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
      types.push(rest.readUInt8(0))
      rest = rest.subarray(1 + rest.readUInt32BE(1))
    }
    return types
  }
}
