import { setTimeout } from 'node:timers/promises'
import { Pool } from 'undici'
import { sendEach } from '../send-each.js'

/** A request that is ready to be sent, once. */
export interface LoadRequest {
  readonly origin: string
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers: Record<string, string>
  readonly body?: string
}

/** One operation. */
export type Task = () => Promise<unknown>

/**
 * Sends each request, 20 at a time to each server.
 *
 * @returns How long that took, in milliseconds.
 * @throws {Error} if they are not answered as expected.
 */
export async function sendAll (requests: readonly LoadRequest[], expected: number): Promise<number> {
  const origins = new Set(requests.map(({ origin }) => origin))
  const times = await Promise.all([...origins].map(async origin => {
    const own = requests.filter(request => request.origin === origin)
    let next = 0
    const [{ method = 'GET', path = '/' } = {}] = own
    const { perSecond, answered } = await sendEach(origin, own.length, {
      method,
      path,
      setupRequest (request) {
        const { headers, body } = own[next++ % own.length] as LoadRequest
        return { ...request, headers, ...(body !== undefined && { body }) }
      }
    })
    // A wrong code can be right by chance, once in some 300,000.
    if (answered(expected) < own.length - 1) {
      throw new Error(`${answered(expected)} of ${own.length} on ${path} answered ${expected}`)
    }
    return own.length / perSecond * 1000
  }))
  return Math.max(...times)
}

/** Runs the tasks, so many at a time. @returns How long that took, in milliseconds. */
export async function runAll (tasks: readonly Task[], atATime: number): Promise<number> {
  const begin = performance.now()
  const left = [...tasks]
  await Promise.all(Array.from({ length: atATime }, async () => {
    for (let task = left.pop(); task; task = left.pop()) await task()
  }))
  return performance.now() - begin
}

/**
 * Begins a task at each due time, whether or not those before are done: who waits because the server is slow is
 * counted from when its turn was.
 *
 * @returns How long each took from its due time, in milliseconds.
 */
export async function runAtRate (tasks: readonly Task[], perSecond: number): Promise<number[]> {
  const times: number[] = []
  const failures: unknown[] = []
  const begin = performance.now()
  await Promise.all(tasks.map(async (task, index) => {
    const due = begin + index / perSecond * 1000
    await setTimeout(due - performance.now())
    // A timer can be early, by less than a millisecond.
    const from = Math.min(due, performance.now())
    await task().catch(error => { failures.push(error) })
    times.push(performance.now() - from)
  }))
  if (failures.length > 0) throw failures[0]
  return times
}

/** Makes tasks of requests, and gives them to `run`. */
export async function withTasks<Result> (
  requests: readonly LoadRequest[], expected: number, run: (tasks: Task[]) => Promise<Result>
): Promise<Result> {
  const [{ origin = '' } = {}] = requests
  const pool = new Pool(origin, { connections: 50 })
  let surprises = 0
  try {
    const result = await run(requests.map(({ origin: _, ...request }) => async () => {
      const { statusCode, body } = await pool.request(request)
      await body.dump()
      if (statusCode !== expected) surprises++
    }))
    if (surprises > 1) throw new Error(`${surprises} of ${requests.length} did not answer ${expected}`)
    return result
  } finally {
    await pool.close()
  }
}
