import type { Transaction } from 'kysely'
import type { Decisions } from '../decisions.js'
import type { Database, Dialect } from '../dialects/dialect.js'
import type { TwoFactorDatabase } from '../schema.js'
import type { UsedCode } from '../storage.js'
import { inTransaction } from '../transaction.js'

/** Codes that are blocked although nobody was let in by them. */
export function usedCodes (db: Database, dialect: Dialect): Pick<Decisions, 'burnCode'> {
  return {
    burnCode: (userId, { usedCode, step, now }) => inTransaction(db, dialect, async trx => {
      const user = await dialect.take(trx, userId, ['user_id'])
      if (!user || !await block(trx, userId, usedCode, now)) return false
      const { numUpdatedRows } = await trx.updateTable('two_factor_authenticators')
        .set({ hinted_step: step, hinted_at: now })
        .where('user_id', '=', userId)
        .where('id', '=', usedCode.authenticatorId)
        .where('last_step', '<', step)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    })
  }
}

/** Blocks a code of a user whose row is taken. `false` if it is blocked already. */
export async function block (
  trx: Transaction<TwoFactorDatabase>, userId: string, usedCode: UsedCode, now: Date
): Promise<boolean> {
  await trx.deleteFrom('two_factor_used_codes').where('user_id', '=', userId).where('expires_at', '<=', now).execute()
  if (await isBlocked(trx, userId, usedCode, now)) return false
  const { authenticatorId, fingerprint, until } = usedCode
  await trx.insertInto('two_factor_used_codes')
    .values({ user_id: userId, authenticator_id: authenticatorId, fingerprint, expires_at: until })
    .execute()
  return true
}

/** Whether a code of a user whose row is taken is blocked. */
export async function isBlocked (
  trx: Transaction<TwoFactorDatabase>, userId: string, { authenticatorId, fingerprint }: Omit<UsedCode, 'until'>, now: Date
): Promise<boolean> {
  const row = await trx.selectFrom('two_factor_used_codes')
    .select('user_id')
    .where('user_id', '=', userId)
    .where('authenticator_id', '=', authenticatorId)
    .where('fingerprint', '=', fingerprint)
    .where('expires_at', '>', now)
    .executeTakeFirst()
  return row !== undefined
}
