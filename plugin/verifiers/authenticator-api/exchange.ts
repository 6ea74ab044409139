import { buildConnector, Pool, type Dispatcher } from 'undici'
import type { ResolvedApiOptions } from './options.js'
import { createVeil } from './veil.js'

/** A call that had no clear answer. Nothing of undici's own error is in it: that can quote the answer. */
export class ApiError extends Error {
  /** The service has decided nothing: the same call can be made again. */
  readonly canRetry: boolean
  /** The service is there, and refuses this one call. */
  readonly isAlive: boolean

  constructor (message: string, { canRetry = false, isAlive = false } = {}) {
    super(message)
    this.canRetry = canRetry
    this.isAlive = isAlive
  }
}

export interface Request {
  /** Below the service's address. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** What the answer may hold of the secret. */
  readonly echoes: readonly string[]
}

export interface Exchange {
  /** The text that the service answers, once. @throws {ApiError} for anything but a plain 200. */
  readonly get: (request: Request, signal: AbortSignal) => Promise<string>
  /** Closes the connections. A later request opens new ones. */
  readonly close: () => Promise<void>
}

const maxAnswerBytes = 65_536

// The service has not seen the request, or went away before it answered.
const undecided = new Set([
  'ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'
])

/** HTTP with the service, over connections that are kept open. */
export function createExchange ({ origin, path: base, ca, timeout, connections }: ResolvedApiOptions): Exchange {
  const veil = createVeil()
  let pool: Pool | undefined

  function open (): Pool {
    const connect = buildConnector({ timeout, ...(ca !== undefined && { ca }) })
    return new Pool(origin, {
      connections,
      pipelining: 1,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      maxResponseSize: maxAnswerBytes,
      connect (options, callback) {
        connect(options, (...[error, socket]) => {
          if (error) return callback(error, null)
          veil.cover(socket)
          callback(null, socket)
        })
      }
    })
  }

  async function send (target: string, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    try {
      pool ??= open()
      return await pool.request({ method: 'GET', path: target, signal, headers: { 'accept-encoding': 'identity' } })
    } catch (error) {
      const code = codeOf(error)
      throw new ApiError(`${origin} gave no answer (${code})`, { canRetry: undecided.has(code) })
    }
  }

  return {
    async get ({ path, query, echoes }, signal) {
      // As a form would have it, but for spaces: not every server reads a `+` in a URL as one.
      const parameters = String(new URLSearchParams(query)).replaceAll('+', '%20')
      const { standIn, reveal, forget } = veil.send(parameters, echoes)
      try {
        const { statusCode, headers, body } = await send(`${base}${path}?${standIn}`, signal)
        if (statusCode !== 200 || headers['content-encoding'] !== undefined) {
          await body.dump().catch(() => {})
          const what = statusCode === 200 ? 'in an encoding that was not asked for' : `with status ${statusCode}`
          throw new ApiError(`${origin} answered ${what}`, { isAlive: statusCode >= 400 && statusCode < 500 })
        }
        return reveal(await body.text().catch((error: unknown) => {
          throw new ApiError(`${origin} broke its answer off (${codeOf(error)})`)
        }))
      } finally {
        forget()
      }
    },

    async close () {
      const closing = pool
      pool = undefined
      await closing?.close()
    }
  }
}

function codeOf (error: unknown): string {
  const { code, name } = error as { code?: unknown, name?: unknown }
  return String(typeof code === 'string' ? code : name)
}
