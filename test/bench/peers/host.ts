import { fork, type ForkOptions } from 'node:child_process'
import { once } from 'node:events'
import type { Test } from 'tap'

/** Connections of each server's pool to the database. */
export const poolSize = 10

/** A server process that is measured. */
export interface Host {
  readonly origin: string
  /** What it has used so far, of all its threads, in microseconds. */
  readonly cpuTime: () => Promise<number>
  /** Sets its clock so many milliseconds ahead, if it has one of its own. */
  readonly setAhead: (ahead: number) => Promise<void>
}

/** Starts a server as a process of its own, until `t` ends. */
export async function startHost (
  t: Pick<Test, 'teardown'>, file: URL | string, environment: Record<string, string>, options: ForkOptions = {}
): Promise<Host> {
  const child = fork(file, {
    env: { ...process.env, NODE_ENV: 'production', POOL_SIZE: String(poolSize), ...environment },
    ...options
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ask = async (question: number | 'cpu') => {
    child.send(question)
    const [{ user, system }] = await once(child, 'message') as [NodeJS.CpuUsage]
    return user + system
  }
  return new Promise((resolve, reject) => {
    child.once('message', origin => resolve({
      origin: String(origin),
      cpuTime: () => ask('cpu'),
      async setAhead (ahead) { await ask(ahead) }
    }))
    child.once('exit', code => reject(new Error(`${String(file)} ended with ${code}`)))
  })
}
