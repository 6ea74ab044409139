import { Option, type Command } from 'commander'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Readable } from 'node:stream'
import type { BulkImport } from '../service/bulk-import.js'
import type { KeyEncoding } from '../verifiers/verifier.js'
import {
  auditOption, counted, databaseOption, integer, resultOf, type CommandResult, type CommandRun
} from './command.js'
import { createCheckingService, withService, type ServiceOptions } from './context.js'
import { CommandFailure, exitCodes } from './failure.js'
import { FileFormatError, readImportFile, type ImportFormat } from './import-file.js'
import { importLines, type ImportSummary } from './import-lines.js'
import { createProgress } from './progress.js'
import type { Terminal } from './terminal.js'

interface ImportOptions extends ServiceOptions {
  readonly format?: ImportFormat
  readonly encoding?: KeyEncoding
  readonly kind?: string
  readonly dryRun?: boolean
  readonly maxErrors: number
}

const formats = ['csv', 'ndjson']
const encodings = ['base32', 'ascii', 'hex']
const kinds = ['local', 'authenticator-api']

const notes = `
Columns of CSV, which needs a header (RFC 4180), and keys of NDJSON:
  user_id    as getUser answers it
  secret     as the other system wrote it
  encoding   base32 (default), ascii or hex
  kind       the verifier: local (default) or authenticator-api
  name       what the user sees, up to 64 characters
  algorithm  SHA1 (default), SHA256 or SHA512
  digits     6 (default), or what --digits says
  period     in seconds, 30 (default)

A secret that the user has already is left alone: the same file can be imported again.`

/** Adds `import`: takes enrolments over from another system. */
export function addImport (program: Command, run: CommandRun): void {
  const command = program.command('import')
    .description('take secrets over from another system; the apps of the users keep working')
    .argument('<file>', 'CSV or NDJSON, or - for standard input')
    .addOption(new Option('--format <format>', 'of the file; default is by its extension').choices(formats))
    .addOption(new Option('--encoding <encoding>', 'of secrets whose line has none').choices(encodings))
    .addOption(new Option('--kind <kind>', 'verifier of those whose line has none').choices(kinds))
    .option('--digits <count>', 'the app\'s option digits: such codes are taken beside those of 6', integer(6, 8), 6)
    .option('--max-authenticators <count>', 'the app\'s option maxAuthenticators', integer(1, 20), 5)
    .option('--max-errors <lines>', 'stop after so many bad lines, 0 for never', integer(0, 1e9), 100)
    .option('--dry-run', 'check every line and write nothing; it needs neither database nor keys')
    .addOption(databaseOption())
    .addOption(auditOption())
    .addHelpText('after', notes)
  resultOf<ImportOptions>(command, run, (options, file = '') => options.dryRun
    ? importFile(run.terminal, file, options, createCheckingService(options))
    : withService(run.terminal, options, 'fitting', ({ service }) => importFile(run.terminal, file, options, service)))
}

async function importFile (
  terminal: Terminal, file: string, options: ImportOptions, service: BulkImport
): Promise<CommandResult> {
  const { encoding, kind, dryRun = false, maxErrors } = options
  const format = options.format ?? formatOf(file)
  const { content, size, read } = await open(terminal, file)
  const progress = createProgress(terminal, 'lines')
  try {
    const defaults = { ...(encoding && { encoding }), ...(kind && { kind }) }
    const lines = readImportFile(content, format, defaults)
    const rules = {
      dryRun,
      maxErrors,
      onProblem: (line: number, reason: string) => terminal.errors.write(`line ${line}: ${reason}\n`),
      onProgress: (lines: number) => progress.show(lines, size === undefined ? undefined : read() / size)
    }
    return resultOfImport(await terminal.interruptible(signal => importLines(service, lines, { ...rules, signal })))
  } catch (error) {
    if (error instanceof FileFormatError) throw new CommandFailure(exitCodes.failed, error.message)
    throw error
  } finally {
    progress.end()
    content.destroy()
  }
}

function formatOf (file: string): ImportFormat {
  const extension = extname(file).toLowerCase()
  if (extension === '.csv') return 'csv'
  if (['.ndjson', '.jsonl'].includes(extension)) return 'ndjson'
  throw new CommandFailure(exitCodes.usage, 'say which --format the file has')
}

interface OpenFile {
  readonly content: Readable
  /** In bytes, if it is known. */
  readonly size: number | undefined
  /** Bytes that were read. */
  readonly read: () => number
}

async function open ({ input }: Terminal, file: string): Promise<OpenFile> {
  if (file === '-') return { content: input, size: undefined, read: () => 0 }
  const { size } = await stat(file)
  const content = createReadStream(file)
  return { content, size, read: () => content.bytesRead }
}

function resultOfImport (summary: ImportSummary): CommandResult {
  const { imported, known, refused, stopped, dryRun, lastLine } = summary
  const text = [
    dryRun
      ? `${counted(imported, 'line')} can be imported, ${refused.toLocaleString('en')} cannot. Nothing was written`
      : `${counted(imported, 'secret')} imported, ${known.toLocaleString('en')} known already, ${refused.toLocaleString('en')} refused`,
    ...stopped === 'errors' ? [`Stopped at line ${lastLine}: too many bad lines. Correct them, or raise --max-errors`] : [],
    ...stopped === 'signal' ? [`Stopped after line ${lastLine}. Run the same command again to go on: what is imported is known`] : []
  ].join('\n')
  const exitCode = stopped === 'signal' ? exitCodes.stopped : refused > 0 ? exitCodes.failed : exitCodes.done
  return { json: summary, text, exitCode }
}
