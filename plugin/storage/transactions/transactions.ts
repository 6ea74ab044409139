import type { Decisions } from '../decisions.js'
import type { Database, Dialect } from '../dialects/dialect.js'
import { acceptance } from './acceptance.js'
import { attempts } from './attempts.js'
import { authenticators } from './authenticators.js'
import { devices } from './devices.js'
import { maintenance } from './maintenance.js'
import { sealedValues } from './sealed-values.js'
import { usedCodes } from './used-codes.js'

/** Each decision as one short transaction that takes the user's row first: for SQLite, MySQL and MariaDB. */
export function inTransactions (db: Database, dialect: Dialect): Decisions {
  return {
    ...acceptance(db, dialect),
    ...attempts(db, dialect),
    ...authenticators(db, dialect),
    ...devices(db, dialect),
    ...maintenance(db, dialect),
    ...sealedValues(db, dialect),
    ...usedCodes(db, dialect)
  }
}
