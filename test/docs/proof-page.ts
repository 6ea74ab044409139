import { readFile, writeFile } from 'node:fs/promises'
import { withRegion } from '../bench/page-region.js'
import { root } from './pages.js'

/** Replaces what stands between the marks of a region of docs/proof.md, `<!-- fuzz -->` and `<!-- /fuzz -->`. */
export async function writeProof (name: 'faults' | 'fuzz' | 'timing', text: string): Promise<void> {
  const page = `${root}docs/proof.md`
  await writeFile(page, withRegion(await readFile(page, 'utf8'), name, text))
}

/** Day and Node.js of a run, for its report. */
export const circumstances = () => `${new Date().toISOString().slice(0, 10)}, Node.js ${process.versions.node}`

/** A number as people read it. */
export const number = (value: number) => value.toLocaleString('en-US')
