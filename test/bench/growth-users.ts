import { randomBytes, randomUUID } from 'node:crypto'
import { sql, type Kysely } from 'kysely'
import { Secret } from 'otpauth'
import { createKeyRing } from '../../plugin/secrets/key-ring.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'

/** What each user has a row of. Passes and events come and go. */
export const userTables = ['two_factor_users', 'two_factor_authenticators'] as const

export interface Crowd {
  /** How many users there are to be. */
  readonly size: number
  /** How many of them have a secret that is known here, spread evenly over the others. */
  readonly known: number
  /** Base64, as `encryptionKeys` takes it. */
  readonly key: string
  /** When they enrolled, in milliseconds since the epoch. */
  readonly enrolledAt: number
  readonly onProgress?: (users: number) => void
}

const batches = 100
// No user of a batch is called so.
const template = 'template'

/**
 * Fills empty tables with users, of whom each has one authenticator and ten recovery codes, as the package makes them.
 * Their ids are UUIDs in no order. Most are copies of one user, of the same lengths byte for byte.
 *
 * @returns The secrets that are known, by user id.
 */
export async function enrolCrowd (db: Kysely<TwoFactorDatabase>, crowd: Crowd): Promise<Map<string, Secret>> {
  const secrets = new Map<string, Secret>()
  await enrol(db, crowd, template)
  for (let batch = 0; batch < batches; batch++) {
    const known = shareOf(crowd.known, batch)
    for (let user = 0; user < known; user++) {
      const userId = randomUUID()
      secrets.set(userId, await enrol(db, crowd, userId))
    }
    await copyTemplate(db, shareOf(crowd.size, batch) - known)
    crowd.onProgress?.(Math.floor(crowd.size * (batch + 1) / batches))
  }
  for (const table of userTables) await db.deleteFrom(table).where('user_id', '=', template).execute()
  return secrets
}

function shareOf (all: number, batch: number): number {
  return Math.floor(all * (batch + 1) / batches) - Math.floor(all * batch / batches)
}

/** One user as the package makes them, but for recovery codes that nobody knows. @returns The secret. */
export async function enrol (
  db: Kysely<TwoFactorDatabase>, { key, enrolledAt }: Pick<Crowd, 'key' | 'enrolledAt'>, userId: string
): Promise<Secret> {
  const ring = createKeyRing([key])
  const [id, secret, createdAt] = [randomBytes(6).toString('hex'), new Secret({ size: 20 }), new Date(enrolledAt)]
  await kyselyStorage(db).enable(userId, {
    authenticator: {
      id,
      kind: 'local',
      name: 'Authenticator app',
      secret: ring.seal('authenticator-secret', [userId, id], secret.bytes),
      keyEncoding: 'base32',
      algorithm: 'SHA1',
      digits: 6,
      period: 30,
      lastStep: 0,
      createdAt,
      lastUsedAt: createdAt
    },
    recoveryCodes: {
      salt: ring.seal('recovery-salt', [userId], randomBytes(32)),
      hashes: Array.from({ length: 10 }, () => randomBytes(16))
    }
  })
  return secret
}

async function copyTemplate (db: Kysely<TwoFactorDatabase>, users: number): Promise<void> {
  if (users === 0) return
  await db.connection().execute(async db => {
    // In their order each batch goes over an index once, whether or not that fits in memory.
    await sql`create temporary table new_users as select gen_random_uuid()::text as user_id from generate_series(1, ${sql.lit(users)})`
      .execute(db)
    for (const table of userTables) {
      // Whatever columns a later version adds are copied as well.
      const { rows } = await sql<{ name: string }>`
        select column_name as name from information_schema.columns
        where table_schema = current_schema() and table_name = ${table} and column_name <> 'user_id'`.execute(db)
      const columns = rows.map(({ name }) => sql.ref(name))
      await sql`insert into ${sql.table(table)} (user_id, ${sql.join(columns)})
        select new_users.user_id, ${sql.join(rows.map(({ name }) => sql.ref(`one.${name}`)))}
        from new_users cross join ${sql.table(table)} as one where one.user_id = ${template}
        order by new_users.user_id`.execute(db)
    }
    await sql`drop table new_users`.execute(db)
  })
}
