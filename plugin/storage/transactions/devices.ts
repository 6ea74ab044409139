import type { Transaction } from 'kysely'
import type { Decisions } from '../decisions.js'
import type { Database, Dialect } from '../dialects/dialect.js'
import type { TwoFactorDatabase } from '../schema.js'
import { inTransaction } from '../transaction.js'
import { insertPass, sweepPasses } from '../passes.js'

type Devices = Pick<Decisions, 'trustDevice' | 'useDevice' | 'revokeDevices'>

/** Trusted devices: each change takes the user's row first. */
export function devices (db: Database, dialect: Dialect): Devices {
  return {
    trustDevice: (userId, { device, passIdHash, replaces, now }) => inTransaction(db, dialect, async trx => {
      const user = await dialect.take(trx, userId, ['generation'])
      if (!user || !await counts(trx, userId, user.generation, passIdHash)) return false
      await trx.deleteFrom('two_factor_trusted_devices')
        .where('user_id', '=', userId)
        .where(eb => eb.or([
          eb('id', '=', replaces ?? null), eb('expires_at', '<=', now), eb('generation', '<>', user.generation)
        ]))
        .execute()
      await trx.insertInto('two_factor_trusted_devices')
        .values({
          user_id: userId,
          id: device.id,
          generation: user.generation,
          token_hash: device.tokenHash,
          previous_hash: null,
          rotated_at: device.createdAt,
          label: device.label,
          created_at: device.createdAt,
          last_used_at: null,
          expires_at: device.expiresAt
        })
        .execute()
      return true
    }),

    useDevice: (userId, { id, tokenHash, nextHash, now, graceSince, pass }) => inTransaction(db, dialect, async trx => {
      const user = await dialect.take(trx, userId, ['generation', 'disabled_at'])
      if (!user || user.disabled_at !== null) return 'refused'
      const device = await trx.selectFrom('two_factor_trusted_devices')
        .select(['token_hash', 'previous_hash', 'rotated_at'])
        .where('user_id', '=', userId)
        .where('id', '=', id)
        .where('generation', '=', user.generation)
        .where('expires_at', '>', now)
        .executeTakeFirst()
      if (!device) return 'refused'

      const isCurrent = same(device.token_hash, tokenHash)
      const isHonoured = isCurrent || (same(device.previous_hash, tokenHash) && device.rotated_at > graceSince)
      await trx.updateTable('two_factor_trusted_devices')
        .set({
          last_used_at: now,
          ...(isCurrent && { token_hash: nextHash, previous_hash: tokenHash, rotated_at: now }),
          // A token that was rotated away is in two hands: the device is worth nothing from now on.
          ...(!isHonoured && { generation: 0 })
        })
        .where('user_id', '=', userId)
        .where('id', '=', id)
        .execute()
      await sweepPasses(trx, userId, now)
      if (!isHonoured) return 'reused'
      await insertPass(trx, userId, user.generation, pass, id)
      return isCurrent || same(device.token_hash, nextHash) ? 'rotated' : 'overtaken'
    }),

    revokeDevices: (userId, id) => inTransaction(db, dialect, async trx => {
      const user = await dialect.take(trx, userId, ['generation'])
      if (!user) return []
      const rows = await trx.selectFrom('two_factor_trusted_devices')
        .select('id')
        .where('user_id', '=', userId)
        .where('generation', '=', user.generation)
        .$if(id !== undefined, query => query.where('id', '=', id ?? ''))
        .execute()
      const ids = rows.map(row => row.id)
      if (ids.length > 0) {
        await trx.deleteFrom('two_factor_trusted_devices').where('user_id', '=', userId).where('id', 'in', ids).execute()
      }
      return ids
    })
  }
}

/** Whether a pass is of this generation still. */
async function counts (
  trx: Transaction<TwoFactorDatabase>, userId: string, generation: number, idHash: Uint8Array
): Promise<boolean> {
  const row = await trx.selectFrom('two_factor_passes')
    .select('user_id')
    .where('user_id', '=', userId)
    .where('id_hash', '=', idHash)
    .where('generation', '=', generation)
    .executeTakeFirst()
  return row !== undefined
}

function same (one: Uint8Array | null, other: Uint8Array): boolean {
  return one !== null && Buffer.compare(one, other) === 0
}
