import type { Database } from '../dialects/dialect.js'
import type { Decisions } from '../decisions.js'
import { attempts } from './attempts.js'
import { authenticators } from './authenticators.js'
import { devices } from './devices.js'
import { maintenance } from './maintenance.js'
import { sealedValues } from './sealed-values.js'
import { usedCodes } from './used-codes.js'

/** Each decision as one statement of PostgreSQL: one way to the database and back. */
export function inStatements (db: Database): Decisions {
  return {
    ...attempts(db),
    ...authenticators(db),
    ...devices(db),
    ...maintenance(db),
    ...sealedValues(db),
    ...usedCodes(db)
  }
}
