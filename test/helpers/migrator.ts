import * as kysely from 'kysely'
import type { Kysely } from 'kysely'
import type { Migration } from '../../plugin/storage/migrations/migration.js'

interface MigratorProps {
  // Of whatever database. It is so in the type of Kysely's own.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly db: Kysely<any>
  readonly provider: { readonly getMigrations: () => Promise<Record<string, Partial<Migration> & Pick<Migration, 'up'>>> }
  readonly allowUnorderedMigrations?: boolean
  readonly migrationTableName?: string
  readonly migrationLockTableName?: string
}

interface MigrationResults {
  readonly error?: unknown
  readonly results?: ReadonlyArray<{ readonly migrationName: string }>
}

/** Kysely's migrator, as far as every version has it. */
export type MigratorClass = new (props: MigratorProps) => { migrateToLatest: () => Promise<MigrationResults> }

/** Finds Kysely's migrator: 0.29 moved it into a module of its own, which 0.28 does not have. */
export async function loadMigrator (): Promise<MigratorClass> {
  // Of the one version the types have no module of this name, of the other no migrator in the main one.
  // @ts-ignore
  const { Migrator } = ('Migrator' in kysely ? kysely : await import('kysely/migration')) as { Migrator: MigratorClass }
  return Migrator
}
