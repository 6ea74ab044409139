import type { Command } from 'commander'
import { migrate } from '../storage/migrate.js'
import { databaseOption, resultOf, type CommandRun } from './command.js'
import { withDatabase, type DatabaseOptions } from './context.js'

/** Adds `migrate`: creates or upgrades the tables. */
export function addMigrate (program: Command, run: CommandRun): void {
  const command = program.command('migrate')
    .description('create the tables, or bring them up to date; it can be run again, and twice at once')
    .addOption(databaseOption())
  resultOf<DatabaseOptions>(command, run, options => withDatabase(run.terminal, options, async db => {
    await migrate(db)
    return { json: { upToDate: true }, text: 'The tables are up to date' }
  }))
}
