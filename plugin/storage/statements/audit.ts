import { sql, type QueryCreator } from 'kysely'
import type { TwoFactorDatabase } from '../schema.js'
import type { AttemptAudit, AttemptRules } from '../storage.js'
import { timestamp } from './casts.js'

// An attempt is written into the audit by the statements that count it, accept it or take it back: a crash in between
// leaves what the count says as well.

/** As failed, and with the lock that it sets. */
export function auditClaim<Tables> (claimed: QueryCreator<Tables>, { now, audit }: AttemptRules): QueryCreator<Tables> {
  if (!audit) return claimed
  const { id, lockId, ip } = audit
  const written = sql<{ user_id: string }>`(
    insert into two_factor_events (user_id, id, type, at, ip, detail)
    select user_id, ${id}, 'failed', ${timestamp(now)}, cast(${ip} as text), null from claimed
    union all
    select user_id, ${lockId}, 'locked', ${timestamp(now)}, cast(${ip} as text), case
        when disabled_at is not null then '{"lockedUntil":null}'
        else concat('{"lockedUntil":"', to_char(locked_until at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '"}')
      end
    from claimed where locked_until is not null or disabled_at = ${timestamp(now)}
    returning user_id)`
  return claimed.with('audited', () => written) as unknown as QueryCreator<Tables>
}

/** As what it turned out to be. Expects the user in `cleared` if it was accepted. */
export function auditAccept<Tables> (
  accepted: QueryCreator<Tables>, userId: string, audit: AttemptAudit | undefined, type: string
): QueryCreator<Tables> {
  if (!audit) return accepted
  const told = sql<{ user_id: string }>`(
    update two_factor_events as e set type = ${type} from cleared
    where e.user_id = ${userId} and e.user_id = cleared.user_id and e.id = ${audit.id} returning e.user_id)`
  const unlocked = sql<{ user_id: string }>`(
    delete from two_factor_events as e using cleared
    where e.user_id = ${userId} and e.user_id = cleared.user_id and e.id = ${audit.lockId} returning e.user_id)`
  return accepted.with('told', () => told).with('unlocked', () => unlocked) as unknown as QueryCreator<Tables>
}

/** Not at all: it could not be checked. */
export function auditRefund (
  db: QueryCreator<TwoFactorDatabase>, userId: string, audit: AttemptAudit | undefined
): QueryCreator<TwoFactorDatabase> {
  if (!audit) return db
  const forgotten = sql<{ user_id: string }>`(
    delete from two_factor_events where user_id = ${userId} and id in (${audit.id}, ${audit.lockId}) returning user_id)`
  return db.with('forgotten', () => forgotten) as unknown as QueryCreator<TwoFactorDatabase>
}
