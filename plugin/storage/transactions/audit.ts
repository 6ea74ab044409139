import type { Transaction } from 'kysely'
import type { TwoFactorDatabase } from '../schema.js'
import type { AttemptAudit, AttemptRules } from '../storage.js'

// An attempt is written into the audit by the transactions that count it, accept it or take it back: a crash in between
// leaves what the count says as well.

/** As failed, and with the lock that it sets. */
export async function auditClaim (
  trx: Transaction<TwoFactorDatabase>, userId: string, { now, audit }: AttemptRules,
  { lockedUntil, disabledAt }: { readonly lockedUntil: Date | null, readonly disabledAt: Date | null }
): Promise<void> {
  if (!audit) return
  const { id, lockId, ip } = audit
  const failed = { user_id: userId, id, type: 'failed', at: now, ip, detail: null }
  const detail = JSON.stringify({ lockedUntil: disabledAt ? null : lockedUntil })
  const isLock = lockedUntil !== null || disabledAt?.getTime() === now.getTime()
  await trx.insertInto('two_factor_events')
    .values(isLock ? [failed, { ...failed, id: lockId, type: 'locked', detail }] : [failed])
    .execute()
}

/** As what it turned out to be. */
export async function auditAccept (
  trx: Transaction<TwoFactorDatabase>, userId: string, audit: AttemptAudit | undefined, type: string
): Promise<void> {
  if (!audit) return
  await trx.updateTable('two_factor_events').set({ type }).where('user_id', '=', userId).where('id', '=', audit.id).execute()
  await trx.deleteFrom('two_factor_events').where('user_id', '=', userId).where('id', '=', audit.lockId).execute()
}

/** Not at all: it could not be checked. */
export async function auditRefund (
  trx: Transaction<TwoFactorDatabase>, userId: string, audit: AttemptAudit | undefined
): Promise<void> {
  if (!audit) return
  await trx.deleteFrom('two_factor_events')
    .where('user_id', '=', userId)
    .where('id', 'in', [audit.id, audit.lockId])
    .execute()
}
