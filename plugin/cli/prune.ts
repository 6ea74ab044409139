import type { Command } from 'commander'
import type { ExpiringTable, TwoFactorStorage } from '../storage/storage.js'
import { counted, databaseOption, integer, resultOf, type CommandRun } from './command.js'
import { withService, type DatabaseOptions } from './context.js'
import { exitCodes } from './failure.js'
import { createProgress } from './progress.js'

interface PruneOptions extends DatabaseOptions {
  readonly eventsOlderThan?: number
}

interface PruneRun {
  readonly signal: AbortSignal
  readonly now: Date
  readonly onProgress: (count: number) => void
}

const tables: ReadonlyArray<readonly [table: ExpiringTable, name: 'passes' | 'usedCodes' | 'trustedDevices']> = [
  ['passes', 'passes'], ['used_codes', 'usedCodes'], ['trusted_devices', 'trustedDevices']
]
// Rows that one statement looks at.
const batchSize = 2000
const day = 86_400_000

/** Adds `prune`: forgets what ran out. */
export function addPrune (program: Command, run: CommandRun): void {
  const command = program.command('prune')
    .description('delete passes, used codes and trusted devices that ran out, of users who do not sign in any more')
    .option('--events-older-than <days>', 'delete events of the audit too', integer(1, 36_500))
    .addOption(databaseOption())
  resultOf<PruneOptions>(command, run, options => withService(run.terminal, options, 'none', ({ storage }) =>
    run.terminal.interruptible(async signal => {
      const progress = createProgress(run.terminal, 'rows deleted')
      try {
        const onProgress = (count: number) => progress.show(count, undefined)
        const deleted = await prune(storage, options, { signal, now: new Date(), onProgress })
        const lines = Object.entries(deleted).map(([name, count]) => `${name}: ${count.toLocaleString('en')}`)
        return {
          json: { deleted, stopped: signal.aborted },
          text: [
            `Deleted ${counted(Object.values(deleted).reduce((sum, count) => sum + count, 0), 'row')} (${lines.join(', ')})`,
            ...signal.aborted ? ['Stopped. Run the same command again to go on'] : []
          ].join('\n'),
          exitCode: signal.aborted ? exitCodes.stopped : exitCodes.done
        }
      } finally {
        progress.end()
      }
    })))
}

/** Forgets what ran out, in batches. How many rows of which table there were. */
export async function prune (
  storage: TwoFactorStorage, { eventsOlderThan }: PruneOptions, { signal, now, onProgress }: PruneRun
): Promise<Record<string, number>> {
  const deleted: Record<string, number> = {}
  let total = 0
  const add = (name: string, count: number) => {
    deleted[name] = (deleted[name] ?? 0) + count
    total += count
    onProgress(total)
  }
  for (const [table, name] of tables) {
    deleted[name] = 0
    for (let after: string | undefined; !signal.aborted;) {
      const batch = await storage.pruneExpired(table, { now, after, limit: batchSize })
      add(name, batch.deleted)
      if (batch.last === undefined) break
      after = batch.last
    }
  }
  if (eventsOlderThan !== undefined) {
    const until = new Date(now.getTime() - eventsOlderThan * day)
    for (let count = batchSize; count > 0 && !signal.aborted;) {
      count = await storage.pruneEvents(until, batchSize)
      add('events', count)
    }
  }
  return deleted
}
