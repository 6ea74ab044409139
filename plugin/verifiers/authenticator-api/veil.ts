import { randomBytes, randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'

/**
 * Keeps secrets out of what undici tells its diagnostics channels, where tracing tools listen: each request with its
 * URL, each chunk of an answer. undici is given stand-ins, and the socket exchanges them for the secrets.
 */
export interface Veil {
  /**
   * Hides a text that is about to be sent.
   *
   * @param echoes - What the answer may hold of it. It is hidden there as well.
   */
  readonly send: (text: string, echoes: readonly string[]) => Sent
  /** Makes the socket exchange stand-ins. */
  readonly cover: (socket: Socket) => void
}

export interface Sent {
  /** To be sent in place of the text. */
  readonly standIn: string
  /** Puts the echoes back into the answer. */
  readonly reveal: (answer: string) => string
  /** To be called when the answer is there. */
  readonly forget: () => void
}

interface Hidden {
  text: string
  echoes: readonly string[]
}

const pattern = /~[0-9a-f-]{36}/

export function createVeil (): Veil {
  const hidden = new Map<string, Hidden>()
  // An echo gives way to as many characters of this, since the length of the answer has been announced.
  const veil = randomBytes(128).toString('hex')

  return {
    send (text, echoes) {
      const standIn = `~${randomUUID()}`
      const sent: Hidden = { text, echoes }
      hidden.set(standIn, sent)
      return {
        standIn,
        reveal: answer => echoes.reduce((text, echo) => text.replaceAll(veil.slice(0, echo.length), echo), answer),
        forget () {
          hidden.delete(standIn)
          // The socket that it went over has it until the next request, which may never come.
          Object.assign(sent, { text: '', echoes: [] })
        }
      }
    },

    cover (socket) {
      // One request at a time is under way on a socket.
      let current: Hidden | undefined
      let held = Buffer.alloc(0)

      const write = socket.write.bind(socket) as (chunk: unknown, ...rest: unknown[]) => boolean
      socket.write = (chunk: unknown, ...rest: unknown[]) => {
        if (typeof chunk !== 'string') return write(chunk, ...rest)
        return write(chunk.replace(pattern, standIn => {
          current = hidden.get(standIn)
          return current?.text ?? standIn
        }), ...rest)
      }

      const read = socket.read.bind(socket) as () => Buffer | null
      socket.read = () => {
        const chunk = read()
        if (chunk === null) return null
        const answer = Buffer.concat([held, chunk])
        const echoes = current?.echoes ?? []
        for (const echo of echoes) hide(answer, echo, veil.slice(0, echo.length))
        const end = Math.min(...echoes.map(echo => beginningAtEnd(answer, echo)), answer.length)
        held = answer.subarray(end)
        return end === 0 ? null : answer.subarray(0, end)
      }
    }
  }
}

function hide (bytes: Buffer, text: string, standIn: string): void {
  for (let at = bytes.indexOf(text, 0, 'latin1'); at >= 0; at = bytes.indexOf(text, at + text.length, 'latin1')) {
    bytes.write(standIn, at, 'latin1')
  }
}

/** Where a text begins that the next chunk may go on with: that much has to wait for it. */
function beginningAtEnd (bytes: Buffer, text: string): number {
  const tail = bytes.toString('latin1', Math.max(0, bytes.length - text.length + 1))
  for (let at = 0; at < tail.length; at++) {
    if (text.startsWith(tail.slice(at))) return bytes.length - tail.length + at
  }
  return bytes.length
}
