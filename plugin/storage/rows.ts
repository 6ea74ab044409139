import type { Insertable, Selectable } from 'kysely'
import type { TwoFactorAuthenticatorsTable } from './schema.js'
import type { NewAuthenticator, StoredAuthenticator } from './storage.js'

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
