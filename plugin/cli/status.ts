import type { Command } from 'commander'
import type { UserStatus } from '../service.js'
import type { KeyUsage } from '../service/key-rotation.js'
import type { Totals } from '../storage/storage.js'
import { counted, databaseOption, resultOf, type CommandResult, type CommandRun } from './command.js'
import { withService, type CommandContext, type DatabaseOptions } from './context.js'
import { exitCodes } from './failure.js'

/** Adds `status`: of one user, or of all. */
export function addStatus (program: Command, run: CommandRun): void {
  const command = program.command('status')
    .description('show the state of a user; without one, how many there are and which keys are in use')
    .argument('[user]', 'id of the user, as getUser answers it')
    .addOption(databaseOption())
  resultOf<DatabaseOptions>(command, run, (options, userId) => {
    // The keys tell only which of those in use are among them.
    const keys = userId === undefined && run.terminal.env.TWO_FACTOR_KEYS ? 'any' : 'none'
    return withService(run.terminal, options, keys, context =>
      userId === undefined ? statusOfAll(context, keys === 'any') : statusOf(context, userId))
  })
}

async function statusOf ({ service }: CommandContext, userId: string): Promise<CommandResult> {
  const status = await service.status(userId)
  return {
    json: { userId, ...status },
    text: status.enabled ? describe(status) : 'This user has no two-factor authentication',
    exitCode: status.enabled ? exitCodes.done : exitCodes.nothing
  }
}

function describe (status: UserStatus): string {
  return [
    'Two-factor authentication is on',
    ...status.authenticators.map(({ name, kind, createdAt, lastUsedAt }) =>
      `  ${JSON.stringify(name)} (${kind}), set up ${createdAt.toISOString()}, ` +
      `${lastUsedAt ? `last used ${lastUsedAt.toISOString()}` : 'never used'}`),
    `Recovery codes left: ${status.recoveryCodesLeft}`,
    `Wrong codes in a row: ${status.failedAttempts}`,
    ...status.lockedUntil ? [`Locked until ${status.lockedUntil.toISOString()}`] : [],
    ...status.authenticatorsDisabled ? ['Authenticators are disabled: unlock or reset helps'] : []
  ].join('\n')
}

async function statusOfAll ({ service, storage }: CommandContext, withKeys: boolean): Promise<CommandResult> {
  const totals = await storage.countTotals(new Date())
  // Without the keys it cannot be said which of them are there.
  const keys = (await service.keyUsage()).map(({ current, available, ...usage }) => (
    withKeys ? { ...usage, current, available } : usage))
  return { json: { ...totals, keys }, text: [...describeTotals(totals), ...keys.map(describeKey)].join('\n') }
}

function describeTotals ({ enabled, locked, disabled, authenticators }: Totals): string[] {
  return [
    `${counted(enabled, 'user')} with two-factor authentication: ${locked} locked, ${disabled} with disabled authenticators`,
    ...Object.entries(authenticators).map(([kind, count]) => `  ${counted(count, 'authenticator')} checked by ${kind}`)
  ]
}

function describeKey (
  { id, by, secrets, recoverySalts, current, available }: Omit<KeyUsage, 'current' | 'available'> & Partial<KeyUsage>
): string {
  const state = current === undefined ? '' : current ? ', seals now' : available ? ', an old one' : ', MISSING: give it again'
  return `Key ${id} (${by}${state}): ${counted(secrets, 'secret')}, ${counted(recoverySalts, 'recovery salt')}`
}
