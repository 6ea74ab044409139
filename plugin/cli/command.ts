import { InvalidArgumentError, Option, type Command } from 'commander'
import type { Terminal } from './terminal.js'

/** What a command came to. */
export interface CommandResult {
  /** For `--json`. */
  readonly json: unknown
  /** For people. */
  readonly text: string
  /** Default is 0. */
  readonly exitCode?: number
}

/** One run of the command line. */
export interface CommandRun {
  readonly terminal: Terminal
  exitCode: number
}

/** Has a command print what `task` comes to, for people or with `--json` for programs. */
export function resultOf<Options> (
  command: Command, run: CommandRun, task: (options: Options, ...given: string[]) => Promise<CommandResult>
): void {
  command.option('--json', 'print the result as one JSON object')
    .action(async () => {
      const options = command.opts<Options & { readonly json?: boolean }>()
      const { json, text, exitCode = 0 } = await task(options, ...command.args)
      run.terminal.output.write(`${options.json ? JSON.stringify(json) : text}\n`)
      run.exitCode = exitCode
    })
}

/** The option of each command that works on the database. */
export function databaseOption (): Option {
  return new Option('--database-url <url>', 'the database, if not in DATABASE_URL; without a password, since others see it')
}

/** The option of each command that changes a user. */
export function auditOption (): Option {
  return new Option('--audit', 'write what is done into two_factor_events, as the app\'s option audit does')
}

/** Reads a whole number within bounds. */
export function integer (min: number, max: number): (text: string) => number {
  return text => {
    const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It must be an integer from ${min} to ${max}.`)
  }
}

/** `1,000 users`. */
export function counted (count: number, one: string, many = `${one}s`): string {
  return `${count.toLocaleString('en')} ${count === 1 ? one : many}`
}
