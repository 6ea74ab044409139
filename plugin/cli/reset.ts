import { createInterface } from 'node:readline/promises'
import type { Command } from 'commander'
import { auditOption, databaseOption, resultOf, type CommandRun } from './command.js'
import { withService, type ServiceOptions } from './context.js'
import { CommandFailure, exitCodes } from './failure.js'
import type { Terminal } from './terminal.js'

interface ResetOptions extends ServiceOptions {
  readonly yes?: boolean
}

/** Adds `reset`: turns a user's two-factor authentication off. */
export function addReset (program: Command, run: CommandRun): void {
  const command = program.command('reset')
    .description('turn two-factor authentication of a user off: authenticators, recovery codes and passes are gone')
    .argument('<user>', 'id of the user, as getUser answers it')
    .option('--yes', 'do not ask')
    .addOption(databaseOption())
    .addOption(auditOption())
  resultOf<ResetOptions>(command, run, (options, userId = '') =>
    withService(run.terminal, options, 'none', async ({ service }) => {
      if (!options.yes) await confirm(run.terminal, userId)
      const reset = await service.reset(userId)
      return {
        json: { userId, reset },
        text: reset ? 'Two-factor authentication is off' : 'This user has no two-factor authentication',
        exitCode: reset ? exitCodes.done : exitCodes.nothing
      }
    }))
}

/** @throws {CommandFailure} if nobody says yes. */
async function confirm ({ input, errors }: Terminal, userId: string): Promise<void> {
  if (input.isTTY !== true) throw new CommandFailure(exitCodes.usage, 'nobody can be asked here: say --yes')
  const prompt = createInterface({ input, output: errors })
  try {
    const answer = await prompt.question(`Turn two-factor authentication of ${JSON.stringify(userId)} off? [y/N] `)
    if (!/^y(es)?$/i.test(answer.trim())) throw new CommandFailure(exitCodes.failed, 'nothing was changed')
  } finally {
    prompt.close()
  }
}
