import type { FlowShare, SoakUser } from './soak-flows.js'

/** Answers whose turn it is, and what to call when they are done. `undefined` if everybody is busy or rests. */
export type TakeTurn = (flow: FlowShare) => { readonly user: SoakUser, readonly done: () => void } | undefined

export interface Crowds {
  /** They have two-factor authentication. */
  readonly residents: readonly SoakUser[]
  /** They turn it on and off. */
  readonly visitors: readonly SoakUser[]
  readonly clock: () => number
}

// On the clock of the soak, in milliseconds: no code of one turn counts as used in the next one.
const rest = 90_000

/** Users by turns, each of whom rests before the next one. */
export function createTurns ({ residents, visitors, clock }: Crowds): TakeTurn {
  const waiting = (users: readonly SoakUser[]) => users.map(user => ({ user, freeAt: 0 }))
  const queues = { residents: waiting(residents), visitors: waiting(visitors) }
  return ({ ofVisitors }) => {
    const queue = queues[ofVisitors ? 'visitors' : 'residents']
    if (!queue[0] || queue[0].freeAt > clock()) return undefined
    const { user } = queue.shift()!
    return { user, done: () => queue.push({ user, freeAt: clock() + rest }) }
  }
}
