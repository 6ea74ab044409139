import { sql, type Expression, type ExpressionBuilder, type QueryCreator } from 'kysely'
import type { Database } from '../dialects/dialect.js'
import type { TwoFactorDatabase } from '../schema.js'
import type { DeviceUse, TwoFactorStorage } from '../storage.js'
import { bytes, timestamp } from './casts.js'

type Devices = Pick<TwoFactorStorage, 'trustDevice' | 'useDevice' | 'revokeDevices'>

/** Trusted devices: each change is one statement that locks the user's row first. */
export function devices (db: Database): Devices {
  return {
    async trustDevice (userId, { device, passIdHash, replaces, now }) {
      const { id, tokenHash, label, createdAt, expiresAt } = device
      const row = await lock(db, userId)
        .with('swept', db => db.deleteFrom('two_factor_trusted_devices')
          .using('locked')
          .where('two_factor_trusted_devices.user_id', '=', userId)
          .whereRef('two_factor_trusted_devices.user_id', '=', 'locked.user_id')
          .where(eb => eb.or([
            eb('id', '=', replaces ?? null),
            eb('expires_at', '<=', now),
            eb('two_factor_trusted_devices.generation', '<>', eb.ref('locked.generation'))
          ])))
        .insertInto('two_factor_trusted_devices')
        .columns(['user_id', 'id', 'generation', 'token_hash', 'rotated_at', 'label', 'created_at', 'expires_at'])
        .expression(eb => eb.selectFrom('locked')
          .innerJoin('two_factor_passes as p', join => join
            .onRef('p.user_id', '=', 'locked.user_id')
            .onRef('p.generation', '=', 'locked.generation'))
          .where('p.user_id', '=', userId)
          .where('p.id_hash', '=', passIdHash)
          .select(eb => [
            'locked.user_id',
            eb.cast<string>(eb.val(id), 'text').as('id'),
            'locked.generation',
            bytes(tokenHash).as('token_hash'),
            timestamp(createdAt).as('rotated_at'),
            eb.cast<string>(eb.val(label), 'text').as('label'),
            timestamp(createdAt).as('created_at'),
            timestamp(expiresAt).as('expires_at')
          ]))
        .returning('id')
        .executeTakeFirst()
      return row !== undefined
    },

    async useDevice (userId, use) {
      const used = lock(db, userId).with('used', db => rotate(db, userId, use)) as unknown as QueryCreator<WithUsed>
      const row = await recordPass(used, userId, use)
        .selectFrom('used')
        .select(['used.honoured', 'used.successor'])
        .executeTakeFirst()
      if (!row) return 'refused'
      if (!row.honoured) return 'reused'
      return row.successor ? 'rotated' : 'overtaken'
    },

    async revokeDevices (userId, id) {
      const rows = await lock(db, userId)
        .deleteFrom('two_factor_trusted_devices as d')
        .using('locked')
        .where('d.user_id', '=', userId)
        .whereRef('d.user_id', '=', 'locked.user_id')
        .whereRef('d.generation', '=', 'locked.generation')
        .$if(id !== undefined, query => query.where('d.id', '=', id ?? ''))
        .returning('d.id')
        .execute()
      return rows.map(({ id }) => id)
    }
  }
}

interface Locked {
  user_id: string
  generation: number
  disabled_at: Date | null
}

interface Used {
  user_id: string
  generation: number
  /** The token was the device's, or the one before it a moment ago. */
  honoured: boolean
  /** What the client is given next is the device's token now. */
  successor: boolean
}

type WithLocked = TwoFactorDatabase & { locked: Locked }
type WithUsed = WithLocked & { used: Used }

function lock (db: Database, userId: string): QueryCreator<WithLocked> {
  return db.with('locked', db => db.selectFrom('two_factor_users')
    .select(['user_id', 'generation', 'disabled_at'])
    .where('user_id', '=', userId)
    .where('enabled_at', 'is not', null)
    .forUpdate())
}

/**
 * The decision is in the `set` of an update, since only that sees what a parallel statement has just committed. What it
 * answers is read off the row as it is then: a token that was honoured is the previous one now, as it was before if
 * somebody was faster.
 */
function rotate (
  db: QueryCreator<WithLocked>, userId: string, { id, tokenHash, nextHash, now, graceSince }: DeviceUse
) {
  type Builder = ExpressionBuilder<WithLocked & { d: TwoFactorDatabase['two_factor_trusted_devices'] }, 'd' | 'locked'>
  const isCurrent = (eb: Builder) => eb('d.token_hash', '=', bytes(tokenHash))
  const ifCurrent = <Value>(eb: Builder, then: Expression<Value>, otherwise: Expression<Value>) =>
    sql<Value>`case when ${isCurrent(eb)} then ${then} else ${otherwise} end`
  const isHonoured = (eb: Builder) => eb.and([
    eb('d.previous_hash', '=', bytes(tokenHash)), eb('d.rotated_at', '>', graceSince)
  ])

  return db.updateTable('two_factor_trusted_devices as d')
    .from('locked')
    .set((eb: Builder) => ({
      token_hash: ifCurrent(eb, bytes(nextHash), eb.ref('d.token_hash')),
      previous_hash: ifCurrent(eb, bytes(tokenHash), eb.ref('d.previous_hash')),
      rotated_at: ifCurrent(eb, timestamp(now), eb.ref('d.rotated_at')),
      last_used_at: now,
      // A token that was rotated away is in two hands: the device is worth nothing from now on.
      generation: sql<number>`case when ${eb.or([isCurrent(eb), isHonoured(eb)])} then d.generation else 0 end`
    }))
    .where('d.user_id', '=', userId)
    .whereRef('d.user_id', '=', 'locked.user_id')
    .whereRef('d.generation', '=', 'locked.generation')
    .where('locked.disabled_at', 'is', null)
    .where('d.id', '=', id)
    .where('d.expires_at', '>', now)
    .returning(eb => [
      'd.user_id',
      'locked.generation',
      eb('d.generation', '<>', 0).as('honoured'),
      eb('d.token_hash', '=', bytes(nextHash)).as('successor')
    ])
}

/** Records the pass that a device gave, and sweeps up those that ran out. */
function recordPass (db: QueryCreator<WithUsed>, userId: string, { id, now, pass }: DeviceUse): QueryCreator<WithUsed> {
  return db
    .with('recorded', db => db.insertInto('two_factor_passes')
      .columns(['user_id', 'generation', 'id_hash', 'method', 'passed_at', 'expires_at', 'device_id'])
      .expression(eb => eb.selectFrom('used')
        .where('used.user_id', '=', userId)
        .where('used.honoured', '=', true)
        .select(eb => [
          'used.user_id',
          'used.generation',
          bytes(pass.idHash).as('id_hash'),
          eb.cast<string>(eb.val(pass.method), 'text').as('method'),
          timestamp(pass.passedAt).as('passed_at'),
          timestamp(pass.expiresAt).as('expires_at'),
          eb.cast<string>(eb.val(id), 'text').as('device_id')
        ])))
    .with('swept', db => db.deleteFrom('two_factor_passes')
      .where('user_id', '=', userId)
      .where('expires_at', '<=', now)) as unknown as QueryCreator<WithUsed>
}
