import type { BulkImport, ImportResult, UserSecret } from '../service/bulk-import.js'
import type { ImportLine } from './import-file.js'

export interface ImportSummary {
  readonly dryRun: boolean
  /** In a dry run: that can be. */
  readonly imported: number
  readonly known: number
  readonly refused: number
  /** The first of what was refused, and why. */
  readonly problems: ReadonlyArray<{ readonly line: number, readonly reason: string }>
  /** Why it ended before the last line, if it did. */
  readonly stopped: 'errors' | 'signal' | null
  /** The last line that was read. */
  readonly lastLine: number
}

interface ImportRules {
  readonly dryRun: boolean
  /** 0 for any number. */
  readonly maxErrors: number
  readonly signal: AbortSignal
  readonly onProblem: (line: number, reason: string) => void
  readonly onProgress: (lines: number) => void
}

type Entry = UserSecret & { readonly line: number }

const batchSize = 500
// While the database works on some, the next ones are sealed.
const batchesAtOnce = 4
const problemsKept = 1000

/**
 * Imports lines as they come, some batches at a time: memory does not grow with the file. What is under way when it is
 * stopped is brought to its end.
 *
 * @throws What the storage or the file answered. What was imported until then is.
 */
export async function importLines (
  service: BulkImport, lines: AsyncIterable<ImportLine>, rules: ImportRules
): Promise<ImportSummary> {
  const { dryRun, maxErrors, signal, onProblem, onProgress } = rules
  const count = { imported: 0, known: 0, refused: 0 }
  const problems: Array<{ line: number, reason: string }> = []
  const underWay = new Set<Promise<void>>()
  let batch: Entry[] = []
  let stopped: ImportSummary['stopped'] = null
  let [lastLine, read] = [0, 0]

  function refuse (line: number, reason: string): void {
    count.refused++
    if (problems.length < problemsKept) problems.push({ line, reason })
    onProblem(line, reason)
  }

  function note ({ line }: Entry, result: ImportResult): void {
    if (typeof result === 'string') count[result]++
    else refuse(line, result.refused)
  }

  async function importBatch (entries: readonly Entry[]): Promise<void> {
    const results = dryRun ? entries.map(entry => judge(service, entry)) : await service.importSecrets(entries)
    for (const [index, entry] of entries.entries()) note(entry, results[index] as ImportResult)
    onProgress(read)
  }

  async function send (): Promise<void> {
    const sent: Promise<void> = importBatch(batch).finally(() => underWay.delete(sent))
    // It is awaited below; until then a rejection has a listener.
    sent.catch(() => {})
    underWay.add(sent)
    batch = []
    if (underWay.size >= batchesAtOnce) await Promise.race(underWay)
  }

  const tooMany = () => maxErrors > 0 && count.refused >= maxErrors
  for await (const given of lines) {
    lastLine = given.line
    read++
    if ('problem' in given) refuse(given.line, given.problem)
    else batch.push(given)
    if (batch.length >= batchSize) await send()
    stopped = tooMany() ? 'errors' : signal.aborted ? 'signal' : null
    if (stopped !== null) break
  }
  if (stopped !== 'errors') await send()
  await Promise.all(underWay)
  problems.sort((a, b) => a.line - b.line)
  return { dryRun, ...count, problems, stopped, lastLine }
}

function judge (service: BulkImport, { imported }: Entry): ImportResult {
  const refused = service.objectionTo(imported)
  return refused === undefined ? 'imported' : { refused }
}
