import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

// What ts-blank-space/register does, with its results kept: the tests start a hundred processes, and each of them would
// spend more time on loading TypeScript than on its work.
const folder = fileURLToPath(new URL('../../.tap/stripped/', import.meta.url))
mkdirSync(folder, { recursive: true })
const require = createRequire(import.meta.url)

export function resolve (specifier, context, nextResolve) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    const source = specifier.replace(/\.js$/, '.ts')
    if (existsSync(new URL(source, context.parentURL))) return nextResolve(source, context)
  }
  return nextResolve(specifier, context)
}

export function load (url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context)
  const source = readFileSync(fileURLToPath(url), 'utf8')
  return { format: 'module', shortCircuit: true, source: `${strip(source)}\n//# sourceURL=${url}` }
}

function strip (source) {
  const file = folder + createHash('sha256').update(source).digest('hex')
  try {
    return readFileSync(file, 'utf8')
  } catch {
    const { default: blankSpace } = require('ts-blank-space')
    const stripped = blankSpace(source)
    // Whole or not at all, for others that look for it now.
    writeFileSync(`${file}.${process.pid}`, stripped)
    renameSync(`${file}.${process.pid}`, file)
    return stripped
  }
}
