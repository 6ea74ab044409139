import fc from 'fast-check'
import { connect, type AddressInfo } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { InjectOptions } from 'fastify'
import type { Arena, Persona } from './arena.js'
import { attacks, rawAttacks, type Attack } from './grammar.js'

export interface FuzzOptions {
  /** How many to make, over all arenas. */
  readonly requests: number
  readonly seed: number
  /** Called after each batch, with how many were sent. */
  readonly onProgress?: (sent: number) => void
}

export interface FuzzReport {
  /** How many were sent. */
  readonly requests: number
  /** How many of them were bytes on a socket. */
  readonly raw: number
  /** How many answers there were of each status. */
  readonly statuses: Readonly<Record<string, number>>
  /** The smallest request of each kind that did what none should. */
  readonly findings: readonly string[]
  /** Bytes of the heap after a collection, each time that another tenth was sent. */
  readonly heap: readonly number[]
}

/** A twentieth goes over sockets, each of which is a connection. */
const rawShare = 20
/** In milliseconds. */
const patience = 10_000

// A code that was evaluated is counted, and that is written.
const counted = new Set(['FST_2FA_INVALID_CODE', 'FST_2FA_LOCKED', 'FST_2FA_DISABLED'])

/** Sends malformed requests to every arena in turn. A crash of this process is a finding as well. */
export async function fuzz (
  arenas: readonly Arena[], { requests, seed, onProgress }: FuzzOptions
): Promise<FuzzReport> {
  const statuses: Record<string, number> = {}
  const findings: string[] = []
  const note = (status: number | string) => { statuses[status] = (statuses[status] ?? 0) + 1 }
  const crashed = (error: unknown) => { findings.push(`crash: ${String(error instanceof Error ? error.stack : error)}`) }
  process.on('uncaughtException', crashed).on('unhandledRejection', crashed)
  const heap: number[] = []
  let [sent, raw] = [0, 0]
  try {
    for (const arena of arenas) await arena.app.listen({ host: '127.0.0.1', port: 0 })
    for (let batch = 0; sent < requests; batch++) {
      const arena = arenas[batch % arenas.length]!
      const personas = await arena.populate()
      const size = Math.min(requests > 20_000 ? 2000 : 500, requests - sent)
      const sockets = Math.floor(size / rawShare)
      const run = { seed: seed + batch, endOnFailure: false }
      const injected = fc.asyncProperty(attacks(arena.targets), attack => inject(arena, personas, attack, note))
      findings.push(...await check(injected, { ...run, numRuns: size - sockets }))
      const written = fc.asyncProperty(rawAttacks(arena.targets), bytes => sendRaw(arena, bytes, note))
      if (sockets > 0) findings.push(...await check(written, { ...run, numRuns: sockets }))
      sent += size
      raw += sockets
      if (sent >= requests * (heap.length + 1) / 10) heap.push(heapUsed())
      onProgress?.(sent)
      if (findings.length > 20) break
    }
  } finally {
    process.off('uncaughtException', crashed).off('unhandledRejection', crashed)
  }
  const { 'not sent': unsent = 0 } = statuses
  const noted = Object.values(statuses).reduce((sum, count) => sum + count, -unsent)
  return { requests: noted, raw, statuses, findings, heap }
}

/** @returns What was found, shrunk. */
async function check<Values> (
  property: fc.IAsyncProperty<Values>, { numRuns, seed }: fc.Parameters<Values>
): Promise<string[]> {
  const details = await fc.check(property, { numRuns: numRuns ?? 0, seed: seed ?? 0 })
  if (!details.failed) return []
  const cause = details.errorInstance instanceof Error ? details.errorInstance.message : 'failed'
  return [`${cause}: ${fc.stringify(details.counterexample)}`.slice(0, 2000)]
}

async function inject (
  arena: Arena, personas: readonly Persona[], attack: Attack, note: (status: number | string) => void
): Promise<void> {
  const { app, name, written } = arena
  const { method, path, body, headers } = attack
  // `inject` reads it as a URL first.
  if (!URL.canParse(path, 'http://localhost')) return note('not sent')
  written.length = 0
  const options = {
    method,
    url: path,
    headers: { ...personas[attack.persona % personas.length], ...headers },
    ...(body !== undefined && { payload: body })
  } as InjectOptions
  const { statusCode, body: answer } = await inTime(app.inject(options))
  note(statusCode)
  if (statusCode >= 500) throw new Error(`${name}: ${statusCode} ${answer.slice(0, 300)}`)
  const code = /"code":"(\w+)"/.exec(answer)?.[1] ?? ''
  if (written.length === 0) return
  const refused = statusCode >= 400 && !counted.has(code) && !answer.startsWith('<')
  if (await arena.changed() && refused) throw new Error(`${name}: ${statusCode} ${code}, and it wrote: ${written.join()}`)
}

/** Sends bytes and hangs up; what the server does with it must end, and by itself. */
async function sendRaw ({ app, name }: Arena, bytes: Buffer, note: (status: string) => void): Promise<void> {
  const { port } = app.server.address() as AddressInfo
  const answer = await inTime(new Promise<string>(resolve => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    socket.on('data', data => { text += data.toString('latin1') })
    // Whoever sends half a request and leaves is cut off: that is no hang.
    socket.on('error', () => {}).on('close', () => resolve(text))
    socket.end(bytes)
  }))
  const [, status = 'none'] = /^HTTP\/1\.1 (\d{3})/.exec(answer) ?? []
  note(`raw ${status}`)
  if (/^HTTP\/1\.1 5/m.test(answer)) throw new Error(`${name}: ${answer.slice(0, 300)}`)
}

async function inTime<Result> (task: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`No answer in ${patience} ms`)), patience)
  })
  try {
    return await Promise.race([task, late])
  } finally {
    clearTimeout(timer)
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

function heapUsed (): number {
  collect()
  collect()
  return process.memoryUsage().heapUsed
}
