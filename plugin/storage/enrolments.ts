import type { Transaction } from 'kysely'
import type { Database, Dialect, RecoveryColumns } from './dialects/dialect.js'
import { insertPass } from './passes.js'
import { joinRecoveryHashes } from './recovery-hashes.js'
import { toRow } from './rows.js'
import type { TwoFactorDatabase } from './schema.js'
import type { StoredRecoveryCodes, TwoFactorStorage, UsedCode } from './storage.js'
import { inTransaction } from './transaction.js'

type Enrolments = Pick<TwoFactorStorage, 'enable' | 'addAuthenticator' | 'setKind' | 'replaceRecoveryCodes' | 'reset'>

/** What changes a user's factors: each one transaction that takes the user's row first. */
export function enrolments (db: Database, dialect: Dialect): Enrolments {
  return {
    enable (userId, { authenticator, usedCode, pass, recoveryCodes }) {
      return inTransaction(db, dialect, async trx => {
        const generation = await dialect.enable(trx, userId, authenticator.createdAt, recoveryColumns(recoveryCodes))
        if (generation === undefined) return false

        await trx.insertInto('two_factor_authenticators').values(toRow(userId, authenticator)).execute()
        if (usedCode) await insertUsedCode(trx, userId, usedCode)
        if (pass) await insertPass(trx, userId, generation, pass)
        return true
      })
    },

    addAuthenticator (userId, { authenticator, usedCode, pass }, maxAuthenticators) {
      return inTransaction(db, dialect, async trx => {
        const user = await dialect.take(trx, userId, ['disabled_at'])
        if (!user) return 'not-enabled'

        if (user.disabled_at !== null) {
          await trx.deleteFrom('two_factor_authenticators').where('user_id', '=', userId).execute()
        }
        const others = await trx.selectFrom('two_factor_authenticators')
          .select('id')
          .where('user_id', '=', userId)
          .execute()
        if (others.some(({ id }) => id === authenticator.id)) return 'known'
        if (others.length >= maxAuthenticators) return 'full'

        const changed = await dialect.change(trx, userId, trx.updateTable('two_factor_users')
          .set(eb => ({
            failed_attempts: 0, locked_until: null, disabled_at: null, generation: eb('generation', '+', 1)
          }))
          .where('user_id', '=', userId), ['generation'])
        if (!changed) return 'not-enabled'
        await trx.insertInto('two_factor_authenticators').values(toRow(userId, authenticator)).execute()
        if (usedCode) await insertUsedCode(trx, userId, usedCode)
        if (pass) await insertPass(trx, userId, changed.generation, pass)
        return 'added'
      })
    },

    async setKind (userId, authenticatorIds, kind) {
      const { numUpdatedRows } = await db.updateTable('two_factor_authenticators')
        .set({ kind })
        .where('user_id', '=', userId)
        .where('id', 'in', [...authenticatorIds])
        .executeTakeFirst()
      return Number(numUpdatedRows)
    },

    async replaceRecoveryCodes (userId, codes) {
      const { numUpdatedRows } = await db.updateTable('two_factor_users')
        .set(recoveryColumns(codes))
        .where('user_id', '=', userId)
        .where('enabled_at', 'is not', null)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    },

    reset (userId) {
      return inTransaction(db, dialect, trx => turnOff(trx, dialect, userId))
    }
  }
}

/** Forgets all of a user's factors and passes. `false` if there was no two-factor authentication. */
export async function turnOff (
  trx: Transaction<TwoFactorDatabase>, dialect: Dialect, userId: string
): Promise<boolean> {
  const user = await dialect.change(trx, userId, trx.updateTable('two_factor_users')
    .set(eb => ({
      enabled_at: null,
      failed_attempts: 0,
      locked_until: null,
      disabled_at: null,
      recovery_salt: null,
      recovery_hashes: null,
      generation: eb('generation', '+', 1)
    }))
    .where('user_id', '=', userId)
    .where('enabled_at', 'is not', null), ['user_id'])
  if (!user) return false

  for (const table of ['authenticators', 'passes', 'used_codes', 'trusted_devices'] as const) {
    await trx.deleteFrom(`two_factor_${table}`).where('user_id', '=', userId).execute()
  }
  return true
}

function recoveryColumns ({ salt, hashes }: StoredRecoveryCodes): RecoveryColumns {
  return { recovery_salt: salt, recovery_hashes: joinRecoveryHashes(hashes) }
}

async function insertUsedCode (
  trx: Transaction<TwoFactorDatabase>, userId: string, { authenticatorId, fingerprint, until }: UsedCode
): Promise<void> {
  await trx.insertInto('two_factor_used_codes')
    .values({ user_id: userId, authenticator_id: authenticatorId, fingerprint, expires_at: until })
    .execute()
}
