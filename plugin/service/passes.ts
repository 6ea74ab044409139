import { hash, randomBytes } from 'node:crypto'
import type { StoredPass } from '../storage/storage.js'
import type { ServiceDependencies } from './dependencies.js'

/** How a pass was come by. */
export type PassMethod = 'totp' | 'recovery' | 'setup' | 'trusted-device' | `method:${string}`

/** What a client holds once it has passed, in its session or token. */
export interface Pass {
  readonly userId: string
  /** 128 random bits, base64url. Worthless without the row that is recorded for it. */
  readonly id: string
  readonly method: PassMethod
  /** In milliseconds since the epoch. */
  readonly passedAt: number
  /** In milliseconds since the epoch. */
  readonly expiresAt: number
}

export interface Passes {
  create: (userId: string, method: PassMethod) => Pass
  /** Takes note that the pass was recorded just now. */
  remember: (pass: Pass) => void
  /** Whether the pass counts, as was seen in its row no longer than `revalidate` seconds ago. */
  isAlive: (pass: Pass) => Promise<boolean>
  /** Whether {@link isAlive} is known without a look at the storage, and true. */
  seenAlive: (pass: Pass) => boolean
  /** Whether this process has seen that the pass was revoked, or that it ran out. */
  seenDead: (pass: Pass) => boolean
  end: (pass: Pass) => Promise<void>
  forgetUser: (userId: string) => void
}

// An entry that is pushed out costs its client one read, so the bound is about memory alone.
const maxKnown = 10_000

/**
 * Passes are revocable outside the session that holds them: a session store can bring a logged-out session back
 * (a request in flight writes it again), so the session alone proves nothing for longer than `revalidate`.
 */
export function createPasses (
  { storage, passTtl, revalidate, clock }: Pick<ServiceDependencies, 'storage' | 'passTtl' | 'revalidate' | 'clock'>
): Passes {
  const known = new Map<string, { readonly userId: string, readonly alive: boolean, readonly checkedAt: number }>()

  function note (pass: Pass, alive: boolean): void {
    known.delete(pass.id)
    known.set(pass.id, { userId: pass.userId, alive, checkedAt: clock() })
    if (known.size > maxKnown) forgetOldest()
  }

  /** Many at a time: to get to the first key, a map walks past every one that was deleted before it. */
  function forgetOldest (): void {
    for (const id of known.keys()) {
      if (known.size <= maxKnown * 0.9) return
      known.delete(id)
    }
  }

  function seenAlive (pass: Pass): boolean {
    const seen = known.get(pass.id)
    if (!seen?.alive || seen.userId !== pass.userId) return false
    const now = clock()
    const age = now - seen.checkedAt
    return age >= 0 && age < revalidate * 1000 && pass.expiresAt > now
  }

  function seenDead (pass: Pass): boolean {
    return known.get(pass.id)?.alive === false || pass.expiresAt <= clock()
  }

  return {
    seenAlive,
    seenDead,

    create (userId, method) {
      const now = clock()
      return { userId, id: randomBytes(16).toString('base64url'), method, passedAt: now, expiresAt: now + passTtl }
    },

    remember (pass) {
      note(pass, true)
    },

    async isAlive (pass) {
      if (seenAlive(pass)) return true
      if (seenDead(pass)) return false
      const alive = await storage.findPass(pass.userId, hashPassId(pass.id)) !== undefined
      note(pass, alive)
      return alive
    },

    async end (pass) {
      note(pass, false)
      await storage.endPass(pass.userId, hashPassId(pass.id))
    },

    forgetUser (userId) {
      for (const [id, { userId: owner }] of known) {
        if (owner === userId) known.delete(id)
      }
    }
  }
}

export function toStoredPass (pass: Pass): StoredPass {
  return {
    idHash: hashPassId(pass.id),
    method: pass.method,
    passedAt: new Date(pass.passedAt),
    expiresAt: new Date(pass.expiresAt)
  }
}

function hashPassId (id: string): Buffer {
  return hash('sha256', id, 'buffer')
}
