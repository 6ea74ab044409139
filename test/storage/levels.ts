import { createHash, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import { generateRecoveryCodes, hashRecoveryCode, normalizeRecoveryCode } from '../../plugin/otp/recovery-codes.js'
import { encodeBase32 } from '../../plugin/otp/base32.js'
import { createKeyRing } from '../../plugin/secrets/key-ring.js'
import { applyMigrations } from '../../plugin/storage/applied-migrations.js'
import { migrations } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { encryptionKeys } from '../helpers/host.js'

/** How many levels there are: the database of the first version has level 1. */
export const newestLevel = Object.keys(migrations).length

/** Makes the tables as the version of this level made them. */
export async function migrateToLevel (db: Kysely<TwoFactorDatabase>, level: number): Promise<void> {
  await applyMigrations(db, Object.fromEntries(Object.entries(migrations).slice(0, level)))
}

const hash = (text: string) => createHash('sha256').update(text).digest()
const recoverySalt = randomBytes(32)
const key = randomBytes(20)

/** What users of an earlier version know, who are all alike. */
export const known = {
  secret: encodeBase32(key),
  recoveryCodes: generateRecoveryCodes(5),
  passHash: hash('pass'),
  /** From level 2. */
  usedCode: { authenticatorId: 'phone', fingerprint: Buffer.from('f1n6') },
  /** From level 3. */
  device: { id: 'laptop', tokenHash: hash('token') },
  /** From level 4: how far the clock of the phone is ahead, in steps. */
  drift: 2
}

const recoveryHashes = Promise.all(
  known.recoveryCodes.map(code => hashRecoveryCode(normalizeRecoveryCode(code) ?? '', recoverySalt)))

/** Enrols users as the version of this level did, with all that it knew to keep. */
export async function fillLevel (
  db: Kysely<TwoFactorDatabase>, level: number, users: readonly string[], now: Date
): Promise<void> {
  const later = new Date(now.getTime() + 3_600_000)
  const hashes = await recoveryHashes
  // Columns that a level does not have are not named, and the types know those of today alone.
  const insert = (table: keyof TwoFactorDatabase, rows: object | object[]) =>
    db.insertInto(table).values(rows as never).execute()
  const ring = createKeyRing(encryptionKeys)
  for (const user of users) {
    await insert('two_factor_users', {
      user_id: user,
      enabled_at: now,
      created_at: now,
      failed_attempts: 3,
      recovery_salt: ring.seal('recovery-salt', [user], recoverySalt),
      recovery_hashes: Buffer.concat(hashes)
    })
    await insert('two_factor_authenticators', {
      user_id: user,
      id: 'phone',
      kind: 'local',
      name: 'My phone',
      secret: ring.seal('authenticator-secret', [user, 'phone'], key),
      key_encoding: 'base32',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
      last_step: 0,
      created_at: now,
      last_used_at: null,
      ...(level >= 4 && { drift: known.drift })
    })
    await insert('two_factor_passes', {
      user_id: user, id_hash: known.passHash, generation: 1, method: 'totp', passed_at: now, expires_at: later
    })
    if (level >= 2) {
      const { authenticatorId, fingerprint } = known.usedCode
      await insert('two_factor_used_codes', { user_id: user, authenticator_id: authenticatorId, fingerprint, expires_at: later })
    }
    if (level >= 3) {
      const { id, tokenHash } = known.device
      await insert('two_factor_trusted_devices', {
        user_id: user, id, generation: 1, token_hash: tokenHash, rotated_at: now, label: 'Firefox', created_at: now, expires_at: later
      })
    }
  }
}
