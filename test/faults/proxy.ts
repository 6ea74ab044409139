import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import type { Test } from 'tap'

/** What stands between a server and what it depends on. */
export interface Proxy {
  readonly port: number
  /**
   * Holds back an answer that has been given, and cuts its connection.
   *
   * @param count - Which one from now on: 1 is the next.
   * @param sprung - Called when that has happened.
   */
  readonly trap: (count: number, sprung: () => void) => void
  /** Takes a trap away that nothing fell into. */
  readonly disarm: () => void
  /** Lets answers through byte by byte, so many milliseconds apart. 0: as they come. */
  readonly drip: (interval: number) => void
  /** Cuts all connections. */
  readonly cut: () => void
  /** Has later connections lead to another port. */
  readonly aim: (port: number) => void
}

/** How many answers end in what a connection brings next. */
export type CountAnswers = (data: Buffer) => number

/**
 * A way to a port of loopback that can be cut between a request and its answer, for as long as `t` runs.
 *
 * @param readAnswers - Called for each connection. Default: whatever comes at a time is an answer.
 */
export async function startProxy (
  t: Pick<Test, 'teardown'>, target: number, readAnswers: () => CountAnswers = () => () => 1
): Promise<Proxy> {
  const sockets = new Set<Socket>()
  let [to, left, interval] = [target, 0, 0]
  let sprung = () => {}

  /** Whether the trap closes on one of so many answers. */
  function closesOn (done: number): boolean {
    if (left === 0) return false
    if (done < left) {
      left -= done
      return false
    }
    left = 0
    return true
  }

  async function pass (near: Socket, data: Buffer): Promise<void> {
    for (let at = 0; at < data.length; at++) {
      if (interval === 0) {
        near.write(data.subarray(at))
        return
      }
      near.write(data.subarray(at, at + 1))
      await setTimeout(interval)
    }
  }

  const server = createServer(near => {
    const far = connect(to, '127.0.0.1')
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
    const answersIn = readAnswers()
    let passing = Promise.resolve()
    far.on('data', data => {
      if (!closesOn(answersIn(data))) {
        passing = passing.then(() => pass(near, data))
        return
      }
      end()
      sprung()
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const cut = () => { for (const socket of sockets) socket.destroy() }
  t.teardown(() => {
    server.close()
    cut()
  })
  return {
    port: (server.address() as AddressInfo).port,
    trap (count, callback) {
      left = count
      sprung = callback
    },
    disarm () { left = 0 },
    drip (milliseconds) { interval = milliseconds },
    cut,
    aim (port) { to = port }
  }
}

// "The statement is done" (PostgreSQL's documentation, 54.7, Message Formats).
const commandComplete = 'C'.charCodeAt(0)

/** Counts the statements that a database says are done: a message is a letter, its length in 4 bytes, and so much. */
export function readStatements (): CountAnswers {
  let rest = Buffer.alloc(0)
  return data => {
    rest = Buffer.concat([rest, data])
    let done = 0
    while (rest.length >= 5 && rest.length > rest.readUInt32BE(1)) {
      if (rest.readUInt8(0) === commandComplete) done++
      rest = rest.subarray(1 + rest.readUInt32BE(1))
    }
    return done
  }
}
