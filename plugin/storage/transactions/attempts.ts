import type { Transaction } from 'kysely'
import type { Decisions } from '../decisions.js'
import type { Database, Dialect, UserRow } from '../dialects/dialect.js'
import { authenticatorColumns, fromRow } from '../rows.js'
import type { TwoFactorDatabase } from '../schema.js'
import type { AttemptRules, StoredAuthenticator } from '../storage.js'
import { inTransaction } from '../transaction.js'
import { auditClaim, auditRefund } from './audit.js'

type Attempts = Pick<Decisions, 'claimAttempt' | 'refundAttempt'>

/** Each attempt is counted before its code is looked at. */
export function attempts (db: Database, dialect: Dialect): Attempts {
  return {
    claimAttempt: (userId, rules) => inTransaction(db, dialect, async trx => {
      const user = await dialect.take(trx, userId, ['failed_attempts', 'locked_until', 'disabled_at', 'recovery_salt'])
      if (!user || isRefused(user, rules)) {
        const { locked_until: lockedUntil = null, disabled_at: disabledAt = null } = user ?? {}
        return { granted: false, enabled: user !== undefined, lockedUntil, disabledAt }
      }
      const counted = count(user, rules)
      await trx.updateTable('two_factor_users')
        .set({
          failed_attempts: counted.failedAttempts,
          locked_until: counted.lockedUntil,
          disabled_at: counted.disabledAt
        })
        .where('user_id', '=', userId)
        .execute()
      await auditClaim(trx, userId, rules, counted)
      const authenticators = rules.method === 'authenticator' ? await readAuthenticators(trx, userId) : []
      return { granted: true, ...counted, authenticators, recoverySalt: user.recovery_salt }
    }),

    refundAttempt: (userId, { lockedUntil, disabledAt }, audit) => inTransaction(db, dialect, async trx => {
      await trx.updateTable('two_factor_users')
        .set(eb => ({
          failed_attempts: eb.case().when('failed_attempts', '>', 0).then(eb('failed_attempts', '-', 1)).else(0).end(),
          // Only the lock that this very attempt set: another one stays.
          ...(lockedUntil && { locked_until: eb.fn<Date | null>('nullif', ['locked_until', eb.val(lockedUntil)]) }),
          ...(disabledAt && { disabled_at: eb.fn<Date | null>('nullif', ['disabled_at', eb.val(disabledAt)]) })
        }))
        .where('user_id', '=', userId)
        .execute()
      await auditRefund(trx, userId, audit)
    })
  }
}

type Counters = UserRow<'failed_attempts' | 'locked_until' | 'disabled_at'>

function isRefused ({ locked_until: lockedUntil, disabled_at: disabledAt }: Counters, { now, method }: AttemptRules) {
  return (lockedUntil !== null && lockedUntil > now) || (method === 'authenticator' && disabledAt !== null)
}

function count (user: Counters, { now, limit, locks, disableAt }: AttemptRules) {
  const failedAttempts = user.failed_attempts + 1
  const lock = failedAttempts % limit === 0 ? locks.find(({ count }) => failedAttempts >= count) : undefined
  return {
    failedAttempts,
    lockedUntil: lock?.until ?? null,
    disabledAt: user.disabled_at ?? (failedAttempts >= disableAt ? now : null)
  }
}

async function readAuthenticators (
  trx: Transaction<TwoFactorDatabase>, userId: string
): Promise<StoredAuthenticator[]> {
  const rows = await trx.selectFrom('two_factor_authenticators')
    .select(authenticatorColumns)
    .where('user_id', '=', userId)
    .execute()
  return rows.map(fromRow)
}
