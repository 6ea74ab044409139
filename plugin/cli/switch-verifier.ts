import { Option, type Command } from 'commander'
import {
  auditOption, counted, databaseOption, resultOf, type CommandResult, type CommandRun
} from './command.js'
import { withService, type CommandContext, type ServiceOptions } from './context.js'
import { CommandFailure, exitCodes } from './failure.js'
import { createProgress } from './progress.js'

interface SwitchOptions extends ServiceOptions {
  readonly all?: boolean
  readonly to: string
}

// Users in one page.
const pageSize = 500

/** Adds `switch-verifier`: has another verifier check authenticators that there are. */
export function addSwitchVerifier (program: Command, run: CommandRun): void {
  const command = program.command('switch-verifier')
    .description('have another verifier check the authenticators of a user, or of all; the apps keep working')
    .argument('[user]', 'id of the user, as getUser answers it')
    .option('--all', 'every user; it can be stopped and run again')
    .addOption(new Option('--to <kind>', 'the verifier').choices(['local', 'authenticator-api']).makeOptionMandatory())
    .addOption(databaseOption())
    .addOption(auditOption())
  resultOf<SwitchOptions>(command, run, (options, userId) => {
    if ((userId === undefined) === (options.all !== true)) {
      throw new CommandFailure(exitCodes.usage, 'say which user, or --all')
    }
    return withService(run.terminal, options, 'any', context =>
      userId === undefined ? switchAll(context, run, options.to) : switchOne(context, userId, options.to))
  })
}

async function switchOne ({ service }: CommandContext, userId: string, kind: string): Promise<CommandResult> {
  const switched = await service.switchVerifier(userId, kind)
  return {
    json: { userId, switched },
    text: `${counted(switched, 'authenticator')} switched to ${kind}`,
    exitCode: switched > 0 ? exitCodes.done : exitCodes.nothing
  }
}

async function switchAll (
  { service, storage }: CommandContext, { terminal }: CommandRun, kind: string
): Promise<CommandResult> {
  const { authenticators } = await storage.countTotals(new Date())
  const total = Object.entries(authenticators).reduce((sum, [other, count]) => other === kind ? sum : sum + count, 0)
  return terminal.interruptible(async signal => {
    const progress = createProgress(terminal, 'authenticators')
    let [switched, failed] = [0, 0]
    let after: string | undefined
    for (;;) {
      const users = signal.aborted ? [] : await storage.listOtherKinds(kind, { after, limit: pageSize })
      after = users.at(-1)
      if (after === undefined) break
      const { switched: more, refused } = await service.switchVerifiers(users, kind)
      for (const { userId, reason } of refused) terminal.errors.write(`${JSON.stringify(userId)}: ${reason}\n`)
      switched += more
      failed += refused.length
      progress.show(switched, total === 0 ? undefined : switched / total)
    }
    progress.end()
    const stopped = signal.aborted
    return {
      json: { switched, failed, stopped },
      text: [
        `${counted(switched, 'authenticator')} switched to ${kind}`,
        ...failed > 0 ? [`${counted(failed, 'user')} stayed as they are`] : [],
        ...stopped ? ['Stopped. Run the same command again to go on'] : []
      ].join('\n'),
      exitCode: stopped ? exitCodes.stopped : failed > 0 ? exitCodes.failed : exitCodes.done
    }
  })
}
