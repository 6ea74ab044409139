import { randomUUID } from 'node:crypto'
import type { TwoFactorEvent, TwoFactorEventType } from '../events.js'
import type { AttemptAudit, StoredEvent, TwoFactorStorage } from '../storage/storage.js'
import type { Subject } from './dependencies.js'

/** What is told of an event beside whose it is, when, and from where. */
export type EventDetail = Omit<TwoFactorEvent, 'id' | 'type' | 'userId' | 'at' | 'ip'>

/** What happened: its type, with its detail if there is any. */
export type Happening = TwoFactorEventType | readonly [type: TwoFactorEventType, detail: EventDetail]

/** An attempt under way: the ids that its events will have. */
export interface AttemptRecord {
  readonly audit: AttemptAudit | undefined
  /** Tells what came of it, under the id that it has in the audit. */
  readonly tell: (happening: Happening) => void
}

/** Tells of everything that changes or refuses: to the host, and, if it wants that, to the audit table. */
export interface Journal {
  /**
   * Makes a change and tells of it once it is done. The audit is written in the transaction of the change.
   *
   * @param change - Makes one call of the storage that it is given.
   * @param happened - By its answer. Nothing happened if it is empty.
   */
  readonly change: <Result>(
    subject: Subject,
    change: (storage: TwoFactorStorage) => Promise<Result>,
    happened: (result: Result) => readonly Happening[]
  ) => Promise<Result>
  /** Starts the record of a change to many users, which its statement writes: `tell` is for when it is done. */
  readonly prepare: (
    subject: Subject, happening: Happening
  ) => { readonly stored: StoredEvent | undefined, readonly tell: () => void }
  /** Starts the record of an attempt, which the statements of the attempt write. */
  readonly attempt: (subject: Subject) => AttemptRecord
  /** Tells of what changes nothing. The audit is written on the side. */
  readonly tell: (subject: Subject, happening: Happening) => void
  /** Tells the host alone: nothing of this may be written down. */
  readonly mention: (subject: Subject, happening: Happening) => void
}

export function createJournal (
  { storage, audit, clock, emit }: {
    readonly storage: TwoFactorStorage
    readonly audit: boolean
    readonly clock: () => number
    readonly emit: (event: TwoFactorEvent) => void
  }
): Journal {
  function eventOf ({ userId, ip }: Subject, happening: Happening, id?: string): TwoFactorEvent {
    const [type, detail] = typeof happening === 'string' ? [happening, undefined] : happening
    const now = clock()
    return { id: id ?? createEventId(now), type, userId, at: new Date(now), ...(ip !== undefined && { ip }), ...detail }
  }

  return {
    async change (subject, change, happened) {
      if (!audit) {
        const result = await change(storage)
        for (const happening of happened(result)) emit(eventOf(subject, happening))
        return result
      }
      let events: TwoFactorEvent[] = []
      const result = await storage.withEvents(subject.userId, change, result => {
        events = happened(result).map(happening => eventOf(subject, happening))
        return events.map(toStoredEvent)
      })
      for (const event of events) emit(event)
      return result
    },

    prepare (subject, happening) {
      const event = eventOf(subject, happening)
      return { stored: audit ? toStoredEvent(event) : undefined, tell: () => emit(event) }
    },

    attempt (subject) {
      const ids = audit ? { id: createEventId(clock()), lockId: createEventId(clock()) } : undefined
      return {
        audit: ids && { ...ids, ip: subject.ip ?? null },
        tell (happening) {
          const type = typeof happening === 'string' ? happening : happening[0]
          const event = eventOf(subject, happening, type === 'locked' ? ids?.lockId : ids?.id)
          emit(event)
          // What the statements have written is that it failed.
          if (audit && type === 'reused') storage.recordEvents(subject.userId, [toStoredEvent(event)]).catch(() => {})
        }
      }
    },

    tell (subject, happening) {
      const event = eventOf(subject, happening)
      emit(event)
      if (audit) storage.recordEvents(subject.userId, [toStoredEvent(event)]).catch(() => {})
    },

    mention (subject, happening) {
      emit(eventOf(subject, happening))
    }
  }
}

let count = 0

/** Rises with time, and within a millisecond of this process, so that the newest are found by the primary key. */
function createEventId (now: number): string {
  count = (count + 1) % 0x1_0000
  // The last 48 bits of a UUID are random, and Node.js has them at hand where `randomBytes` asks OpenSSL each time.
  return now.toString(16).padStart(12, '0') + count.toString(16).padStart(4, '0') + randomUUID().slice(-12)
}

function toStoredEvent ({ id, type, userId: _, at, ip, ...detail }: TwoFactorEvent): StoredEvent {
  return { id, type, at, ip: ip ?? null, detail: Object.keys(detail).length > 0 ? JSON.stringify(detail) : null }
}

/** An event as it was told. */
export function fromStoredEvent (userId: string, { id, type, at, ip, detail }: StoredEvent): TwoFactorEvent {
  const told = (detail === null ? {} : JSON.parse(detail)) as { lockedUntil?: string | null }
  return {
    id,
    type: type as TwoFactorEventType,
    userId,
    at,
    ...(ip !== null && { ip }),
    ...told as EventDetail,
    ...(typeof told.lockedUntil === 'string' && { lockedUntil: new Date(told.lockedUntil) })
  }
}
