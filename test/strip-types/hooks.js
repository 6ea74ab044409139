import { createHash } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

// What ts-blank-space/register does, with its results kept: the tests start a hundred processes, and each of them would
// spend more time on loading TypeScript than on its work.
const folder = fileURLToPath(new URL('../../.tap/stripped/', import.meta.url))
mkdirSync(folder, { recursive: true })

export async function resolve (specifier, context, nextResolve) {
  if (specifier.startsWith('.') && specifier.endsWith('.js') && context.parentURL?.endsWith('.ts')) {
    try {
      return await nextResolve(specifier.replace(/\.js$/, '.ts'), context)
    } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    }
  }
  return nextResolve(specifier, context)
}

export async function load (url, context, nextLoad) {
  if (!url.endsWith('.ts')) return nextLoad(url, context)
  const source = await readFile(fileURLToPath(url), 'utf8')
  return { format: 'module', shortCircuit: true, source: `${await strip(source)}\n//# sourceURL=${url}` }
}

async function strip (source) {
  const file = folder + createHash('sha256').update(source).digest('hex')
  try {
    return await readFile(file, 'utf8')
  } catch {
    const { default: blankSpace } = await import('ts-blank-space')
    const stripped = blankSpace(source)
    // Whole or not at all, for others that look for it now.
    await writeFile(`${file}.${process.pid}`, stripped)
    await rename(`${file}.${process.pid}`, file)
    return stripped
  }
}
