import type { TwoFactorEventType } from 'fastify-authenticator-2fa'
import { steps, type Deed, type Situation } from './steps.js'
import { writeVisitor, type Visitor } from './visitor.js'

/** How far a visitor is. */
export interface Progress {
  readonly done: ReadonlySet<string>
  readonly note: (deed: Deed) => void
  /** Brings it up to what is known now, and says that. */
  readonly update: (known: Omit<Situation, 'seen'> & { readonly events: Iterable<TwoFactorEventType> }) => Situation
  /** What the visitor's cookie has to be, once there is something to keep in it. */
  readonly cookie: () => string | undefined
}

export function createProgress (visitor: Visitor): Progress {
  const done = new Set(visitor.done)
  const deeds = new Set<Deed>()
  let touched = false

  function finish (known: Pick<Situation, 'seen' | 'enabled'>): void {
    for (const step of steps) if (step.done(known)) done.add(step.id)
  }

  return {
    done,
    cookie: () => touched ? writeVisitor({ ...visitor, done }) : undefined,

    note (deed) {
      touched = true
      // To sign out is a step only once there is something to be asked for at the next sign-in.
      if (deed === 'signed-out' && !done.has('recovery')) return
      deeds.add(deed)
      finish({ seen: deeds, enabled: false })
    },

    update ({ events, ...known }) {
      touched = true
      const situation = { ...known, seen: new Set([...deeds, ...events]) }
      finish(situation)
      return situation
    }
  }
}
