import type { Command } from 'commander'
import { auditOption, databaseOption, resultOf, type CommandRun } from './command.js'
import { withService, type ServiceOptions } from './context.js'
import { exitCodes } from './failure.js'

/** Adds `unlock`: forgets a user's wrong codes. */
export function addUnlock (program: Command, run: CommandRun): void {
  const command = program.command('unlock')
    .description('forget the wrong codes of a user, and turn authenticators on again that they disabled')
    .argument('<user>', 'id of the user, as getUser answers it')
    .addOption(databaseOption())
    .addOption(auditOption())
  resultOf<ServiceOptions>(command, run, (options, userId = '') =>
    withService(run.terminal, options, 'none', async ({ service }) => {
      const unlocked = await service.unlock(userId)
      return {
        json: { userId, unlocked },
        text: unlocked ? 'Unlocked' : 'This user has no two-factor authentication',
        exitCode: unlocked ? exitCodes.done : exitCodes.nothing
      }
    }))
}
