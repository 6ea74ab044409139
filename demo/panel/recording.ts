import type { TwoFactorEvent } from 'fastify-authenticator-2fa'
import type { LogEvent } from 'kysely'
import { AsyncLocalStorage } from 'node:async_hooks'
import { veil } from './veil.js'

/** A statement that ran, as the panel shows it: nothing in it is secret. */
export interface Statement {
  readonly sql: string
  /** In words, each of them veiled unless it is known to be harmless. */
  readonly parameters: readonly string[]
  /** In milliseconds. */
  readonly duration: number
  readonly failed: boolean
}

/** What the package did for one request. */
export interface Recording {
  /** Method and path. */
  readonly request: string
  readonly at: Date
  readonly statements: Statement[]
  readonly events: TwoFactorEvent[]
  /** Statements that found no room. */
  left: number
}

/** Statements of one recording. */
const most = 12

/** Characters of one statement. */
const longest = 4_000

export interface Tape {
  readonly recording: Recording
  /** Called once, before the first thing that is noted. */
  readonly keep: (recording: Recording) => void
  kept: boolean
}

const tapes = new AsyncLocalStorage<Tape | undefined>()

/** Starts a tape: what runs in it is noted there, and in no other one, however many requests there are at once. */
export function createTape (request: string, at: Date, keep: Tape['keep']): Tape {
  return { recording: { request, at, statements: [], events: [], left: 0 }, keep, kept: false }
}

/** Goes on with a tape, or with none: for what the panel itself reads. */
export function onTape<Result> (tape: Tape | undefined, task: () => Result): Result {
  return tapes.run(tape, task)
}

/** For Kysely's option `log`. Notes the statements of the package, and those that hold them together. */
export function noteStatement ({ level, query, queryDurationMillis }: LogEvent): void {
  if (!/\btwo_factor_|^(begin|commit|rollback)$/.test(query.sql)) return
  note(recording => {
    if (recording.statements.length >= most) {
      recording.left++
      return
    }
    recording.statements.push({
      sql: query.sql.slice(0, longest),
      parameters: query.parameters.map(veil),
      duration: queryDurationMillis,
      failed: level === 'error'
    })
  })
}

/** For the option `onEvent`. */
export function noteEvent (event: TwoFactorEvent): void {
  note(({ events }) => events.push(event))
}

function note (add: (recording: Recording) => unknown): void {
  const tape = tapes.getStore()
  if (!tape) return
  if (!tape.kept) tape.keep(tape.recording)
  tape.kept = true
  add(tape.recording)
}
