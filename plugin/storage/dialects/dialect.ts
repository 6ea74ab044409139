import type {
  ColumnDataType, Kysely, RawBuilder, Selectable, Transaction, UpdateQueryBuilder, UpdateResult
} from 'kysely'
import type { TwoFactorDatabase, TwoFactorEventsTable, TwoFactorUsersTable } from '../schema.js'

export type Database = Kysely<TwoFactorDatabase>
export type UserColumn = keyof TwoFactorUsersTable
export type UserRow<Column extends UserColumn = UserColumn> = Pick<Selectable<TwoFactorUsersTable>, Column>
export type UserChange = UpdateQueryBuilder<TwoFactorDatabase, 'two_factor_users', 'two_factor_users', UpdateResult>

type ColumnType = ColumnDataType | RawBuilder<unknown>

/** What the columns of the tables are, and what a table is made with. */
export interface TableTypes {
  /** A part of a primary key: compared byte by byte, so that "ada", "Ada" and "ada " are three users. */
  readonly key: ColumnType
  readonly text: ColumnType
  /** A point in time, to the millisecond. */
  readonly time: ColumnType
  readonly bytes: ColumnType
  /** At most 64 bytes, which a primary key may have. */
  readonly hash: ColumnType
  readonly bigint: ColumnType
  readonly options: RawBuilder<unknown> | undefined
  /** Of a table whose rows are updated again and again. */
  readonly updatedOptions: RawBuilder<unknown> | undefined
}

export type RecoveryColumns = UserRow<'recovery_salt' | 'recovery_hashes'>

/** Users who are turned on: when, and with which sealed salt of recovery codes to come. */
export interface EnabledUser {
  readonly userId: string
  readonly at: Date
  readonly salt: Uint8Array
}

/** The statement forms that differ between databases. What they promise is the same. */
export interface Dialect {
  /** Whether one statement can change several tables: then each decision is one. */
  readonly oneStatement: boolean

  readonly types: (db: Kysely<unknown>) => Promise<TableTypes>

  /** Runs the migrations, one process at a time: in one transaction, where that holds a change to a table. */
  readonly migrating: (db: Kysely<unknown>, run: (db: Kysely<unknown>) => Promise<void>) => Promise<void>

  /** The same database, where parameters and rows have the values that the rest of the storage knows. */
  readonly prepare: (db: Database) => Database

  /** A transaction of its own. What it reads after {@link Dialect.take} is committed. */
  readonly transaction: <Result>(
    db: Database, task: (trx: Transaction<TwoFactorDatabase>) => Promise<Result>
  ) => Promise<Result>

  /** Takes the row of a user who has two-factor authentication until the transaction ends, before any other row. */
  readonly take: <Column extends UserColumn>(
    trx: Database, userId: string, columns: readonly Column[]
  ) => Promise<UserRow<Column> | undefined>

  /** Makes a change to a user's row. These columns of it after that, `undefined` if there was no such row. */
  readonly change: <Column extends UserColumn>(
    trx: Database, userId: string, change: UserChange, columns: readonly Column[]
  ) => Promise<UserRow<Column> | undefined>

  /** Turns a user on who is new, or is off. The generation from then on, `undefined` if the user is on already. */
  readonly enable: (trx: Database, userId: string, at: Date, recovery: RecoveryColumns) => Promise<number | undefined>

  /** Turns those of many users on who are new, in the order of their ids. Whom it did that for. */
  readonly enableNew: (trx: Database, users: readonly EnabledUser[]) => Promise<string[]>

  /** Writes events. One that is there already is changed to what it turned out to be. */
  readonly putEvents: (db: Database, events: readonly TwoFactorEventsTable[]) => Promise<void>

  /** Deletes so many events of all users that are older. How many there were. */
  readonly deleteEvents: (db: Database, until: Date, limit: number) => Promise<number>

  /** Whether a statement met another one, wrote nothing, and may be run again. */
  readonly isConflict: (error: unknown) => boolean

  readonly isMissingTable: (error: unknown) => boolean
}

/** What `pg`, `mysql2` and the drivers of SQLite tell of an error beside its message. */
export interface DriverError {
  readonly code?: unknown
  readonly errno?: unknown
  readonly message?: unknown
}
