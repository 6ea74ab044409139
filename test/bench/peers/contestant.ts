import type { MeasuredDatabase } from './database.js'
import type { Host } from './host.js'
import type { LoadRequest, Task } from './load.js'

/** Something that is measured, with its servers and its database. */
export interface Contestant {
  readonly name: string
  readonly hosts: readonly Host[]
  readonly database: MeasuredDatabase
  /** Signs each user in, up to where the code is asked for. */
  readonly signIn: () => Promise<Candidate[]>
}

/** One that has the whole flow. */
export interface Peer extends Contestant {
  /** Signs so many users in and passes, for requests to the guarded route. */
  readonly pass: (count: number) => Promise<LoadRequest[]>
  /** Signs users without two-factor authentication in. Each task then sets it up: begins, and confirms by a code. */
  readonly prepareSetups: (count: number) => Promise<Task[]>
}

/** A client past the password. Its request is made shortly before it is sent, as its code does not last. */
export interface Candidate {
  readonly verify: (right: boolean) => LoadRequest
}

/** Users of each contestant who have two-factor authentication. */
export const userCount = 400

// Out of reach of every window, also of the one in which a wrong clock is noticed.
export const longAgo = 3_600_000
