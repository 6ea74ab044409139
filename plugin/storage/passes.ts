import type { Transaction } from 'kysely'
import type { TwoFactorDatabase } from './schema.js'
import type { StoredPass } from './storage.js'

/** Passes that ran out are swept up, so that they cannot pile up. */
export async function sweepPasses (trx: Transaction<TwoFactorDatabase>, userId: string, now: Date): Promise<void> {
  await trx.deleteFrom('two_factor_passes').where('user_id', '=', userId).where('expires_at', '<=', now).execute()
}

/** Records a pass. */
export async function insertPass (
  trx: Transaction<TwoFactorDatabase>, userId: string, generation: number, pass: StoredPass, deviceId?: string
): Promise<void> {
  await trx.insertInto('two_factor_passes')
    .values({
      user_id: userId,
      id_hash: pass.idHash,
      generation,
      method: pass.method,
      passed_at: pass.passedAt,
      expires_at: pass.expiresAt,
      ...(deviceId !== undefined && { device_id: deviceId })
    })
    .execute()
}
