import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { BadOptionError } from '../errors.js'
import type { CommandRun } from './command.js'
import { CommandFailure, exitCodes, messageOf } from './failure.js'
import { addGenerateKey } from './generate-key.js'
import { addImport } from './import.js'
import { addMigrate } from './migrate.js'
import { addPrune } from './prune.js'
import { addReset } from './reset.js'
import { addRotateKeys } from './rotate-keys.js'
import { addServeApi } from './serve-api.js'
import { addStatus } from './status.js'
import { addSwitchVerifier } from './switch-verifier.js'
import type { Terminal } from './terminal.js'
import { addUnlock } from './unlock.js'

const notes = `
Environment:
  DATABASE_URL     postgres://user:password@host/database
  TWO_FACTOR_KEYS  the encryptionKeys of the app, separated by commas

Exit codes:
  0    done
  1    failed
  2    wrong usage
  3    nothing to do: the user has no two-factor authentication
  130  stopped by a signal, and can be run again`

/**
 * Runs the command line.
 *
 * @param given - Arguments, without the names of Node.js and the script.
 * @returns The exit code.
 */
export async function runCommandLine (given: readonly string[], terminal: Terminal): Promise<number> {
  const run: CommandRun = { terminal, exitCode: exitCodes.done }
  try {
    await createProgram(run).parseAsync([...given], { from: 'user' })
    return run.exitCode
  } catch (error) {
    if (error instanceof CommanderError) {
      // 2 is for what was typed, as in other tools, and 1 for what then failed.
      return error.exitCode !== 0 && error.code.startsWith('commander.') ? exitCodes.usage : error.exitCode
    }
    terminal.errors.write(`error: ${messageOf(error)}\n`)
    if (error instanceof CommandFailure) return error.exitCode
    return error instanceof BadOptionError ? exitCodes.usage : exitCodes.failed
  }
}

function createProgram (run: CommandRun): Command {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }
  const { output, errors } = run.terminal
  const program = new Command('fastify-authenticator-2fa')
    .description('Two-factor authentication for Fastify: what runs beside an app.')
    .version(version)
    .addHelpText('after', notes)
    .configureOutput({ writeOut: text => output.write(text), writeErr: text => errors.write(text) })
    .exitOverride()

  addGenerateKey(program, run)
  addMigrate(program, run)
  addStatus(program, run)
  addUnlock(program, run)
  addReset(program, run)
  addSwitchVerifier(program, run)
  addRotateKeys(program, run)
  addImport(program, run)
  addPrune(program, run)
  addServeApi(program)
  return program
}
