import type { TwoFactorRequirement, TwoFactorUser } from 'fastify-authenticator-2fa'
import type { Account } from './accounts.js'

/** Who is signed in, as the package and the policy of the bank know them. */
export type BankUser = Account & TwoFactorUser

/** How long a new customer may go without a second factor, in milliseconds. */
export const grace = 14 * 86_400_000

export function toUser (account: Account): BankUser {
  return { ...account, label: account.email }
}

/** The bank wants a second factor of its staff at once, and of everybody else after some time. */
export function policy (_request: unknown, { role, createdAt }: BankUser): TwoFactorRequirement {
  return role === 'admin' ? 'required' : { requiredFrom: new Date(createdAt + grace) }
}
