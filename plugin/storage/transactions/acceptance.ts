import type { Transaction } from 'kysely'
import type { Decisions } from '../decisions.js'
import type { Database, Dialect, UserRow } from '../dialects/dialect.js'
import type { TwoFactorDatabase } from '../schema.js'
import type { AttemptAudit, StoredPass } from '../storage.js'
import { inTransaction } from '../transaction.js'
import { auditAccept } from './audit.js'
import { insertPass, sweepPasses } from '../passes.js'
import { withoutRecoveryHash } from '../recovery-hashes.js'
import { acceptedColumns } from '../rows.js'
import { block, isBlocked } from './used-codes.js'

type Acceptance = Pick<Decisions, 'acceptStep' | 'acceptProof' | 'acceptRecoveryCode'>

/** What was proved is burnt, and lets one client in. */
export function acceptance (db: Database, dialect: Dialect): Acceptance {
  return {
    acceptStep (userId, accepted) {
      const { authenticatorId, step, usedCode, fingerprint, hintedStep, drift: _, resealed: __, ...rest } = accepted
      const { now } = rest
      return accept(db, dialect, userId, { ...rest, type: 'verified' }, async trx => {
        if (usedCode && !await block(trx, userId, usedCode, now)) return undefined
        if (fingerprint && await isBlocked(trx, userId, { authenticatorId, fingerprint }, now)) return undefined
        const { numUpdatedRows } = await trx.updateTable('two_factor_authenticators')
          .set(acceptedColumns(accepted))
          .where('user_id', '=', userId)
          .where('id', '=', authenticatorId)
          .$if(step !== undefined, query => query.where('last_step', '<', step ?? 0))
          .$if(hintedStep !== undefined, query => query.where('hinted_step', '=', hintedStep ?? 0))
          .executeTakeFirst()
        return numUpdatedRows > 0n ? {} : undefined
      })
    },

    acceptProof: (userId, accepted) => accept(db, dialect, userId, { ...accepted, type: 'verified' }, async () => ({})),

    acceptRecoveryCode: (userId, { hash, ...rest }) => accept(db, dialect, userId, { ...rest, type: 'recovered' },
      async (_trx, user) => {
        const others = withoutRecoveryHash(user.recovery_hashes, hash)
        return others && { recovery_hashes: others }
      })
  }
}

interface Accepted {
  readonly now: Date
  readonly pass?: StoredPass | undefined
  readonly disabledAt?: Date | null | undefined
  readonly audit?: AttemptAudit | undefined
  /** What the attempt turns out to be in the audit. */
  readonly type: string
}

/**
 * Takes the user's row, burns what was proved, and, if that was new, clears the count and records the pass. The row
 * comes first, so that a reset that runs at the same time is wholly before or wholly after: a pass is recorded with the
 * generation that it belongs to.
 *
 * @param burn - What that changes in the user's row, `undefined` if it was not new.
 */
function accept (
  db: Database, dialect: Dialect, userId: string, { now, pass, disabledAt, audit, type }: Accepted,
  burn: (
    trx: Transaction<TwoFactorDatabase>, user: UserRow<'recovery_hashes'>
  ) => Promise<Partial<UserRow<'recovery_hashes'>> | undefined>
): Promise<boolean> {
  return inTransaction(db, dialect, async trx => {
    const user = await dialect.take(trx, userId, ['generation', 'recovery_hashes'])
    const burnt = user && await burn(trx, user)
    if (!burnt) return false
    await trx.updateTable('two_factor_users')
      .set(eb => ({
        failed_attempts: 0,
        locked_until: null,
        ...burnt,
        ...(disabledAt && { disabled_at: eb.fn<Date | null>('nullif', ['disabled_at', eb.val(disabledAt)]) })
      }))
      .where('user_id', '=', userId)
      .execute()
    await sweepPasses(trx, userId, now)
    if (pass) await insertPass(trx, userId, user.generation, pass)
    await auditAccept(trx, userId, audit, type)
    return true
  })
}
