import type { Insertable, Selectable, Updateable } from 'kysely'
import type { TwoFactorAuthenticatorsTable } from './schema.js'
import type { NewAuthenticator, StoredAuthenticator, TwoFactorStorage } from './storage.js'

export const authenticatorColumns = [
  'id', 'kind', 'name', 'secret', 'key_encoding', 'algorithm', 'digits', 'period', 'last_step', 'drift', 'hinted_step',
  'hinted_at', 'created_at', 'last_used_at'
] as const

export type AuthenticatorRow = Pick<Selectable<TwoFactorAuthenticatorsTable>, (typeof authenticatorColumns)[number]>

export function fromRow (row: AuthenticatorRow): StoredAuthenticator {
  return {
    id: row.id,
    kind: row.kind,
    name: row.name,
    secret: row.secret,
    keyEncoding: row.key_encoding,
    algorithm: row.algorithm,
    digits: row.digits,
    period: row.period,
    lastStep: Number(row.last_step),
    drift: row.drift,
    hint: row.hinted_step !== null && row.hinted_at ? { step: Number(row.hinted_step), at: row.hinted_at } : null,
    createdAt: row.created_at,
    lastUsedAt: row.last_used_at
  }
}

export function toRow (userId: string, authenticator: NewAuthenticator): Insertable<TwoFactorAuthenticatorsTable> {
  return {
    user_id: userId,
    id: authenticator.id,
    kind: authenticator.kind,
    name: authenticator.name,
    secret: authenticator.secret,
    key_encoding: authenticator.keyEncoding,
    algorithm: authenticator.algorithm,
    digits: authenticator.digits,
    period: authenticator.period,
    last_step: authenticator.lastStep,
    created_at: authenticator.createdAt,
    last_used_at: authenticator.lastUsedAt
  }
}

/** What an accepted code leaves in the row of its authenticator. */
export function acceptedColumns (
  { now, drift, step, resealed }: Parameters<TwoFactorStorage['acceptStep']>[1]
): Updateable<TwoFactorAuthenticatorsTable> {
  return {
    last_used_at: now,
    hinted_step: null,
    hinted_at: null,
    ...(drift !== undefined && { drift }),
    ...(step !== undefined && { last_step: step }),
    ...(resealed && { secret: resealed })
  }
}
