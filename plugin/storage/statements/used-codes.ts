import type { QueryCreator } from 'kysely'
import type { Database } from '../dialects/dialect.js'
import type { TwoFactorDatabase } from '../schema.js'
import type { TwoFactorStorage, UsedCode } from '../storage.js'
import { bytes, timestamp } from './casts.js'

export interface UserId { user_id: string }
export type WithProved = TwoFactorDatabase & { locked: UserId } & { proved: UserId }

/** Codes that are blocked although nobody was let in by them. */
export function usedCodes (db: Database): Pick<TwoFactorStorage, 'burnCode'> {
  return {
    async burnCode (userId, { usedCode, step, now }) {
      const row = await block(lock(db, userId), userId, usedCode, now)
        .updateTable('two_factor_authenticators')
        .from('proved')
        .set({ hinted_step: step, hinted_at: now })
        .where('two_factor_authenticators.user_id', '=', userId)
        .whereRef('two_factor_authenticators.user_id', '=', 'proved.user_id')
        .where('id', '=', usedCode.authenticatorId)
        .where('last_step', '<', step)
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    }
  }
}

/** Takes the row of a user who has two-factor authentication, before any other row. */
export function lock (db: Database, userId: string): QueryCreator<TwoFactorDatabase & { locked: UserId }> {
  return db.with('locked', db => db.selectFrom('two_factor_users')
    .select('user_id')
    .where('user_id', '=', userId)
    .where('enabled_at', 'is not', null)
    .forUpdate())
}

/** Answers the user, unless this code is blocked, and blocks it from now on. */
export function block (
  locked: QueryCreator<TwoFactorDatabase & { locked: UserId }>, userId: string,
  { authenticatorId, fingerprint, until }: UsedCode, now: Date
) {
  return locked
    .with('proved', db => db.insertInto('two_factor_used_codes')
      .columns(['user_id', 'authenticator_id', 'fingerprint', 'expires_at'])
      .expression(eb => eb.selectFrom('locked').select(eb => [
        'locked.user_id',
        eb.cast<string>(eb.val(authenticatorId), 'text').as('authenticator_id'),
        bytes(fingerprint).as('fingerprint'),
        timestamp(until).as('expires_at')
      ]))
      .onConflict(conflict => conflict.columns(['user_id', 'authenticator_id', 'fingerprint'])
        .doUpdateSet({ expires_at: until })
        .where('two_factor_used_codes.expires_at', '<=', now))
      .returning('two_factor_used_codes.user_id'))
    .with('swept_codes', db => db.deleteFrom('two_factor_used_codes')
      .where('user_id', '=', userId)
      .where('expires_at', '<=', now)
      // One statement cannot change a row twice.
      .where('fingerprint', '<>', fingerprint)) as unknown as QueryCreator<WithProved>
}

/** The rows that block this code. */
export function blocked (
  db: QueryCreator<WithProved>, userId: string, { authenticatorId, fingerprint }: Omit<UsedCode, 'until'>, now: Date
) {
  return db.selectFrom('two_factor_used_codes as c')
    .select('c.user_id')
    .where('c.user_id', '=', userId)
    .where('c.authenticator_id', '=', authenticatorId)
    .where('c.fingerprint', '=', fingerprint)
    .where('c.expires_at', '>', now)
}
