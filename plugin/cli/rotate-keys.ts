import type { Command } from 'commander'
import { counted, databaseOption, integer, resultOf, type CommandResult, type CommandRun } from './command.js'
import { withService, type DatabaseOptions } from './context.js'
import { exitCodes } from './failure.js'
import { createProgress } from './progress.js'

interface RotateOptions extends DatabaseOptions {
  readonly batchSize: number
}

/** Adds `rotate-keys`: seals everything anew with the first key. */
export function addRotateKeys (program: Command, run: CommandRun): void {
  const command = program.command('rotate-keys')
    .description('seal every secret with the first of TWO_FACTOR_KEYS; sign-ins go on, and it can be stopped and run again')
    .option('--batch-size <values>', 'values in one statement', integer(1, 5000), 500)
    .addOption(databaseOption())
  resultOf<RotateOptions>(command, run, options => withService(run.terminal, options, 'any', ({ service }) =>
    run.terminal.interruptible(async signal => {
      const progress = createProgress(run.terminal, 'values')
      const onProgress = ({ done, total }: { readonly done: number, readonly total: number }) =>
        progress.show(done, total === 0 ? undefined : done / total)
      try {
        const rotation = await service.rotateKeys({ batchSize: options.batchSize, signal, onProgress })
        return resultOfRotation(rotation, signal.aborted)
      } finally {
        progress.end()
      }
    })))
}

function resultOfRotation (
  { resealed, failed }: { readonly resealed: number, readonly failed: number }, stopped: boolean
): CommandResult {
  const text = [
    `${counted(resealed, 'value')} sealed anew`,
    ...failed > 0 ? [`${counted(failed, 'value')} could not be opened and stayed as they are: add the key that they need, which status shows`] : [],
    ...stopped ? ['Stopped. Run the same command again to go on'] : []
  ].join('\n')
  const exitCode = stopped ? exitCodes.stopped : failed > 0 ? exitCodes.failed : exitCodes.done
  return { json: { resealed, failed, stopped }, text, exitCode }
}
