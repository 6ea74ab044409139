import type { Decisions } from '../decisions.js'
import type { Database, Dialect } from '../dialects/dialect.js'
import { inTransaction } from '../transaction.js'

/** What a user changes about one authenticator of several. */
export function authenticators (db: Database, dialect: Dialect): Pick<Decisions, 'renameAuthenticator'> {
  return {
    renameAuthenticator: (userId, id, name) => inTransaction(db, dialect, async trx => {
      if (!await dialect.take(trx, userId, ['user_id'])) return false
      const { numUpdatedRows } = await trx.updateTable('two_factor_authenticators')
        .set({ name })
        .where('user_id', '=', userId)
        .where('id', '=', id)
        .executeTakeFirst()
      return numUpdatedRows > 0n
    })
  }
}
