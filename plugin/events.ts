/** What happened, in the field's words. A released type is never renamed. */
export type TwoFactorEventType =
  | 'setup-started'
  | 'setup-confirmed'
  | 'authenticator-renamed'
  | 'authenticator-removed'
  | 'verified'
  | 'failed'
  | 'reused'
  | 'clock-off'
  | 'resynced'
  | 'locked'
  | 'recovered'
  | 'recovery-codes-regenerated'
  | 'disabled'
  | 'unlocked'
  | 'reset'
  | 'imported'
  | 'device-trusted'
  | 'device-used'
  | 'device-revoked'
  | 'device-reuse-alarm'
  | 'verifier-unavailable'
  | 'fallback-used'
  | 'verifier-switched'
  | 'keys-rotated'

/** Something that changed or refused two-factor authentication. Never holds a code or a secret. */
export interface TwoFactorEvent {
  /** Rises with time, and is one for each event: a queue that delivers twice can be told by it. */
  readonly id: string
  readonly type: TwoFactorEventType
  /** Empty for `keys-rotated`, which is about all users. */
  readonly userId: string
  readonly at: Date
  /** Address of the client, as Fastify's `trustProxy` tells it. Absent for what a back office did. */
  readonly ip?: string
  /** For `locked`: until when, or `null` once the authenticators are disabled for good. */
  readonly lockedUntil?: Date | null
  /** For `verifier-unavailable`, `fallback-used` and `verifier-switched`: the kind of the verifier. */
  readonly verifier?: string
  /** For `clock-off` and `resynced`: how far the phone's clock is ahead, in seconds; negative if it is behind. */
  readonly clockOffset?: number
  /** For `setup-confirmed`, `imported`, `authenticator-renamed` and `authenticator-removed`. */
  readonly authenticatorId?: string
  /** For what is about a trusted device. `device-reuse-alarm`: its token was copied, and it was revoked. */
  readonly deviceId?: string
  /** For `keys-rotated`: how many values were sealed anew. */
  readonly resealed?: number
  /** For `keys-rotated`: how many could not be opened, and stayed as they are. */
  readonly failed?: number
}
