import { mkdirSync, writeFileSync } from 'node:fs'
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { runCell, type Result } from './cell.js'
import { chooseCells, parts, type Choice } from './cells.js'

// `npm run test:matrix -- --node=22,24 --kysely=0.29 --files=test/storage`: all that is named, with each other. Without
// a name: every line of Node.js, and every version of a library or of PostgreSQL, one after the other.
const { values } = parseArgs({
  options: Object.fromEntries(['node', ...parts, 'files'].map(name => [name, { type: 'string' as const }]))
})
const choice: Choice = Object.fromEntries(Object.entries(values).map(([name, text]) => [name, text?.split(',')]))
const logs = fileURLToPath(new URL('../../.tap/matrix/', import.meta.url))
mkdirSync(logs, { recursive: true })

for (const cell of chooseCells(choice)) {
  const folder = await mkdtemp(join(tmpdir(), 'two-factor-matrix-'))
  // PostgreSQL runs as somebody else where this runs as root.
  await chmod(folder, 0o755)
  const begin = Date.now()
  try {
    tell(await runCell(folder, cell), Math.round((Date.now() - begin) / 1000))
  } catch (error) {
    process.exitCode = 1
    console.log(`FAILED  ${JSON.stringify(cell)}\n${error}`)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function tell ({ name, passed, asserts, output }: Result, seconds: number): void {
  const figures = `${String(asserts).padStart(6)} asserts ${String(seconds).padStart(5)} s`
  console.log(`${passed ? 'passed' : 'FAILED'}  ${name.padEnd(44)} ${figures}`)
  if (passed) return
  process.exitCode = 1
  const log = `${logs}${name.replaceAll(/[^\w.]+/g, '-')}.tap`
  writeFileSync(log, output)
  // Each with what is said of it; not once more for its file.
  const failures = output.match(/^ *not ok (?!\d+ - test\/|.*# (?:SKIP|TODO)).*(?:\n.*){0,14}/gm)
  console.log(`${failures?.slice(0, 10).join('\n') ?? output.slice(-1500)}\nThe rest is in ${log}`)
}
