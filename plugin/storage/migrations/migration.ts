import type { Kysely } from 'kysely'

/** A migration, as the migrator of every version of Kysely takes it: 0.29 moved the type of its own. */
export interface Migration {
  // Of whatever database a host has. It is so in the type of Kysely's own.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  up (db: Kysely<any>): Promise<void>
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  down (db: Kysely<any>): Promise<void>
}
