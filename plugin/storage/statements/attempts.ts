import { sql, type Expression, type ExpressionBuilder, type Nullable, type QueryCreator, type SelectQueryBuilder, type UpdateQueryBuilder } from 'kysely'
import { auditAccept, auditClaim, auditRefund } from './audit.js'
import type { Database } from '../dialects/dialect.js'
import { recoveryHashLength } from '../recovery-hashes.js'
import { runRemembered } from '../remembered.js'
import { acceptedColumns, authenticatorColumns, fromRow, type AuthenticatorRow } from '../rows.js'
import type { TwoFactorDatabase } from '../schema.js'
import type { AttemptAudit, AttemptRules, Claim, StoredPass, TwoFactorStorage, UsedCode } from '../storage.js'
import { bytes, timestamp } from './casts.js'
import { block, blocked, lock, type UserId, type WithProved } from './used-codes.js'

type Attempts = Pick<TwoFactorStorage, 'claimAttempt' | 'refundAttempt' | 'acceptStep' | 'acceptProof' | 'acceptRecoveryCode'>

/** Claim, then check: the statements around each code, one before it is looked at and one if it was right. */
export function attempts (db: Database): Attempts {
  return {
    async claimAttempt (userId, { method, limit, locks, ...values }) {
      const shape = `claim ${method} ${limit} ${locks.map(({ count }) => count).join()} `
      const rows = await runRemembered(db, shape, { userId, ...values, untils: locks.map(({ until }) => until) },
        ({ userId, untils, ...values }) => claim(db, userId, {
          ...values, method, limit, locks: locks.map(({ count }, index) => ({ count, until: untils[index]! }))
        }))
      return toClaim(rows)
    },

    async refundAttempt (userId, claim, audit) {
      await auditRefund(db, userId, audit)
        .updateTable('two_factor_users')
        .set(eb => ({
          failed_attempts: eb.fn<number>('greatest', [eb('failed_attempts', '-', 1), sql.lit(0)]),
          // Only the lock that this very attempt set: another one stays.
          locked_until: claim.lockedUntil
            ? eb.fn<Date | null>('nullif', ['locked_until', timestamp(claim.lockedUntil)])
            : eb.ref('locked_until'),
          disabled_at: claim.disabledAt
            ? eb.fn<Date | null>('nullif', ['disabled_at', timestamp(claim.disabledAt)])
            : eb.ref('disabled_at')
        }))
        .where('user_id', '=', userId)
        .execute()
    },

    async acceptStep (userId, accepted) {
      const rows = await runRemembered(db, 'acceptStep', { userId, accepted }, ({ userId, accepted }) => {
        const { authenticatorId, step, usedCode, fingerprint, hintedStep, drift: _, resealed: __, ...rest } = accepted
        const { now } = rest
        return accept(db, userId, { ...rest, usedCode, type: 'verified' }, db => db.updateTable('two_factor_authenticators')
          .from('proved')
          .set(acceptedColumns(accepted))
          .where('two_factor_authenticators.user_id', '=', userId)
          .whereRef('two_factor_authenticators.user_id', '=', 'proved.user_id')
          .where('id', '=', authenticatorId)
          .$if(step !== undefined, query => query.where('last_step', '<', step ?? 0))
          .$if(hintedStep !== undefined, query => query.where('hinted_step', '=', hintedStep ?? 0))
          .$if(fingerprint !== undefined, query => query.where(({ not, exists }) => not(exists(
            blocked(db, userId, { authenticatorId, fingerprint: fingerprint ?? Buffer.of() }, now)))))
          .returning('two_factor_authenticators.user_id'))
      })
      return rows.length > 0
    },

    async acceptProof (userId, accepted) {
      const rows = await runRemembered(db, 'acceptProof', { userId, accepted }, ({ userId, accepted }) =>
        accept(db, userId, { ...accepted, type: 'verified' }))
      return rows.length > 0
    },

    async acceptRecoveryCode (userId, accepted) {
      const rows = await runRemembered(db, 'acceptRecoveryCode', { userId, accepted }, ({ userId, accepted }) => {
        const { hash, now, pass, audit } = accepted
        return accept(db, userId, { now, pass, audit, type: 'recovered', recoveryHash: hash })
      })
      return rows.length > 0
    }
  }
}

/** One statement: count the attempt, unless none is taken now, and read what the code is checked with. */
function claim (db: Database, userId: string, rules: AttemptRules) {
  const claimed = db
    .with('claimed', db => db.updateTable('two_factor_users')
      .set(eb => ({
        failed_attempts: eb('failed_attempts', '+', 1),
        locked_until: lockedUntil(eb, rules),
        disabled_at: disabledAt(eb, rules)
      }))
      .where('user_id', '=', userId)
      .where('enabled_at', 'is not', null)
      .where(eb => eb.or([eb('locked_until', 'is', null), eb('locked_until', '<=', rules.now)]))
      .$if(rules.method === 'authenticator', query => query.where('disabled_at', 'is', null))
      .returning(['user_id', 'failed_attempts', 'locked_until', 'disabled_at', 'recovery_salt']))
  return auditClaim(claimed, rules)
    .selectFrom('two_factor_users as u')
    .leftJoin('claimed as c', 'c.user_id', 'u.user_id')
    .leftJoin('two_factor_authenticators as a', join => join
      .onRef('a.user_id', '=', 'c.user_id')
      .on('a.user_id', '=', rules.method === 'authenticator' ? userId : null))
    .where('u.user_id', '=', userId)
    .select(['u.enabled_at', 'u.locked_until as previous_lock', 'u.disabled_at as previously_disabled'])
    .select(['c.user_id as claimed', 'c.failed_attempts', 'c.locked_until', 'c.disabled_at', 'c.recovery_salt'])
    .select(authenticatorColumns.map(column => `a.${column}` as const))
}

type UsersBuilder = ExpressionBuilder<TwoFactorDatabase, 'two_factor_users'>

function lockedUntil (eb: UsersBuilder, { limit, locks }: AttemptRules): Expression<Date | null> {
  const count = eb('failed_attempts', '+', 1)
  const within = locks.map(({ count: reached, until }) => sql`when ${count} >= ${sql.lit(reached)} then ${timestamp(until)}`)
  return sql<Date | null>`case when mod(${count}, ${sql.lit(limit)}) <> 0 then null ${sql.join(within, sql` `)} end`
}

function disabledAt (eb: UsersBuilder, { now, disableAt }: AttemptRules): Expression<Date | null> {
  return eb.case()
    .when(eb('failed_attempts', '+', 1), '>=', disableAt)
    .then(eb.fn.coalesce('disabled_at', timestamp(now)))
    .else(eb.ref('disabled_at'))
    .end()
}

interface ClaimRow extends Nullable<AuthenticatorRow> {
  enabled_at: Date | null
  previous_lock: Date | null
  previously_disabled: Date | null
  claimed: string | null
  failed_attempts: number | null
  locked_until: Date | null
  disabled_at: Date | null
  recovery_salt: Uint8Array | null
}

function toClaim (rows: readonly ClaimRow[]): Claim {
  const [first] = rows
  if (!first || first.claimed === null) {
    return {
      granted: false,
      enabled: first !== undefined && first.enabled_at !== null,
      lockedUntil: first?.previous_lock ?? null,
      disabledAt: first?.previously_disabled ?? null
    }
  }
  return {
    granted: true,
    failedAttempts: first.failed_attempts ?? 0,
    lockedUntil: first.locked_until,
    disabledAt: first.disabled_at,
    recoverySalt: first.recovery_salt,
    authenticators: rows.filter(row => row.id !== null).map(row => fromRow(row as AuthenticatorRow))
  }
}

type Burn = (db: QueryCreator<WithProved>) =>
  | UpdateQueryBuilder<WithProved, 'two_factor_authenticators', 'two_factor_authenticators' | 'proved', UserId>
  | SelectQueryBuilder<WithProved, 'proved', UserId>

interface Accepted {
  readonly now: Date
  readonly pass?: StoredPass | undefined
  readonly usedCode?: UsedCode | undefined
  readonly disabledAt?: Date | null | undefined
  /** Of the recovery code that was proved, which is burnt with what is cleared: it stands in the same row. */
  readonly recoveryHash?: Uint8Array | undefined
  readonly audit?: AttemptAudit | undefined
  /** What the attempt turns out to be in the audit. */
  readonly type: string
}

const place = (hash: Uint8Array) => sql<number>`position(${bytes(hash)} in u.recovery_hashes)`

// One after the other, they are only at every 16th place.
const hasHash = (hash: Uint8Array) => sql<boolean>`mod(${place(hash)} - 1, ${sql.lit(recoveryHashLength)}) = 0`

const withoutHash = (hash: Uint8Array) => sql<Uint8Array>`substr(u.recovery_hashes, 1, ${place(hash)} - 1)
  || substr(u.recovery_hashes, ${place(hash)} + ${sql.lit(recoveryHashLength)})`

/**
 * One statement: lock the user's row, burn what was proved, and, if that was new, clear the count and record the pass.
 * The lock comes first, so that a reset that runs at the same time is wholly before or wholly after: a pass is
 * recorded with the generation that it belongs to.
 *
 * @param burn - Default is that nothing is burnt but what stands in the user's row.
 */
function accept (
  db: Database, userId: string, { now, pass, usedCode, disabledAt, recoveryHash, audit, type }: Accepted,
  burn: Burn = db => db.selectFrom('proved').select('proved.user_id')
) {
  const locked = lock(db, userId)
  const proved = usedCode
    ? block(locked, userId, usedCode, now)
    : locked.with('proved', db => db.selectFrom('locked').select('locked.user_id'))
  const cleared = proved
    .with('burned', db => burn(db))
    .with('cleared', db => db.updateTable('two_factor_users as u')
      .from('burned')
      .set(eb => ({
        failed_attempts: 0,
        locked_until: null,
        ...(disabledAt && { disabled_at: eb.fn<Date | null>('nullif', ['u.disabled_at', timestamp(disabledAt)]) }),
        ...(recoveryHash && { recovery_hashes: withoutHash(recoveryHash) })
      }))
      .where('u.user_id', '=', userId)
      .$if(recoveryHash !== undefined, query => query.where(hasHash(recoveryHash ?? Buffer.of())))
      .whereRef('u.user_id', '=', 'burned.user_id')
      .returning(['u.user_id', 'u.generation']))
    // Passes that ran out are swept up here, so that they cannot pile up.
    .with('swept', db => db.deleteFrom('two_factor_passes')
      .where('user_id', '=', userId)
      .where('expires_at', '<=', now))
  const recorded = pass === undefined
    ? cleared
    : cleared.with('recorded', db => db.insertInto('two_factor_passes')
      .columns(['user_id', 'generation', 'id_hash', 'method', 'passed_at', 'expires_at'])
      .expression(eb => eb.selectFrom('cleared').select(eb => [
        'cleared.user_id',
        'cleared.generation',
        bytes(pass.idHash).as('id_hash'),
        eb.cast<string>(eb.val(pass.method), 'text').as('method'),
        timestamp(pass.passedAt).as('passed_at'),
        timestamp(pass.expiresAt).as('expires_at')
      ]))) as unknown as typeof cleared
  return auditAccept(recorded, userId, audit, type).selectFrom('cleared').select('cleared.user_id')
}
