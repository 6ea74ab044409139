import { TwoFactorApiError } from './api-error.js'
import type { FetchAnswer, FetchInit, HeaderFields, TwoFactorClientOptions } from './options.js'
import type { Answers, BodyOf, Route } from './routes.js'

/** Of every call. */
export interface CallOptions {
  /** Ends the call. It rejects with the signal's reason then. */
  readonly signal?: AbortSignal | undefined
}

/** @param call.id - What takes the place of the parameter in the path. */
export type Send = <Name extends Route>(
  name: Name, call?: CallOptions & { readonly id?: string }, body?: BodyOf<Name>
) => Promise<Answers[Name]>

/** @param proofHeaders - What tells that this client has passed. */
export function createSend (
  { baseUrl = '/2fa', fetch = globalThis.fetch, headers = {}, credentials = 'same-origin' }: TwoFactorClientOptions,
  proofHeaders: () => Promise<HeaderFields>
): Send {
  const base = baseUrl.replace(/\/+$/, '')

  return async (name, { signal, id = '' } = {}, body) => {
    const [method = '', path = ''] = name.replace(/:\w+/, () => segmentOf(id)).split(' ')
    const init: FetchInit = {
      method,
      headers: {
        ...typeof headers === 'function' ? await headers() : headers,
        accept: 'application/json',
        ...await proofHeaders(),
        ...body && { 'content-type': 'application/json' }
      },
      credentials,
      // What is sent here is for nobody else.
      redirect: 'manual',
      ...body && { body: JSON.stringify(body) },
      ...signal && { signal }
    }
    const [answer, text] = await reach(name, signal, async () => {
      const answer = await fetch(`${base}${path}`, init)
      return [answer, await answer.text()]
    })
    return read(name, answer, text)
  }
}

/** Without one, or with dots for one, another route would be called. */
function segmentOf (id: string): string {
  if (/^\.{0,2}$/.test(id)) throw new TypeError(`"${id}" is no id`)
  return encodeURIComponent(id)
}

async function reach (
  name: string, signal: AbortSignal | undefined, task: () => Promise<[FetchAnswer, string]>
): Promise<[FetchAnswer, string]> {
  try {
    return await task()
  } catch (cause) {
    if (signal?.aborted) throw cause
    throw new TwoFactorApiError(`${name} got no answer. Check the connection, then try again`, {
      code: 'NETWORK_FAILURE', status: 0, cause
    })
  }
}

function read<Reply> (name: string, answer: FetchAnswer, text: string): Reply {
  const { status } = answer
  const body = parse(text)
  if (status === 200 && body) return body as Reply

  const { code, message, verifyUrl, setupUrl, clockOffset } = (body ?? {}) as Partial<Record<string, unknown>>
  const retryAfter = Number(answer.headers.get('retry-after') ?? NaN)
  const details = {
    status,
    retryAfter: Number.isFinite(retryAfter) ? retryAfter : undefined,
    verifyUrl: stringOf(verifyUrl),
    setupUrl: stringOf(setupUrl),
    clockOffset: typeof clockOffset === 'number' ? clockOffset : undefined
  }
  if (typeof code === 'string') throw new TwoFactorApiError(stringOf(message) ?? code, { ...details, code })
  const kind = answer.headers.get('content-type') ?? 'nothing'
  throw new TwoFactorApiError(`${name} answered status ${status} and ${kind}, which is not of the two-factor routes`, {
    ...details, code: 'UNEXPECTED_ANSWER'
  })
}

function parse (text: string): object | undefined {
  try {
    const body: unknown = JSON.parse(text)
    return typeof body === 'object' && body !== null ? body : undefined
  } catch {
    return undefined
  }
}

function stringOf (value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}
