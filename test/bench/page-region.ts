import { readFile, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { pathToFileURL } from 'node:url'
import { root } from '../docs/pages.js'

const folder = pathToFileURL(`${root}docs/`)

/** What one command writes into docs/performance.md. */
export interface Region {
  /** As its marks have it: `<!-- bench:growth -->` and `<!-- /bench:growth -->`. */
  readonly name: string
  /** Markdown between the marks. */
  readonly text: string
  /** SVG files of docs/images/, by name without the suffix. */
  readonly plots: Readonly<Record<string, string>>
}

/**
 * Replaces what stands between the marks of a region, and writes its plots.
 *
 * @throws {Error} if the page does not have both marks, once each and in this order. Nothing is written then.
 */
export async function writeRegion ({ name, text, plots }: Region): Promise<void> {
  const page = new URL('performance.md', folder)
  const written = withRegion(await readFile(page, 'utf8'), name, text)
  for (const [plot, svg] of Object.entries(plots)) await writeFile(new URL(`images/${plot}.svg`, folder), svg)
  await writeFile(page, written)
}

/** The page with this text between the marks. @throws {Error} */
export function withRegion (page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`]
  const parts = page.split(begin)
  const [rest = '', after, ...more] = parts[1]?.split(end) ?? []
  if (parts.length !== 2 || after === undefined || more.length > 0 || rest.includes(begin)) {
    throw new Error(`The page needs ${begin} and ${end}, once each and in this order`)
  }
  return `${parts[0]}${begin}\n\n${text.trim()}\n\n${end}${after}`
}

/** A table in Markdown: the first column to the left, figures to the right. */
export function table (header: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(header), line(header.map((_, column) => column === 0 ? '---' : '---:')), ...rows.map(line)].join('\n')
}

/** A picture in Markdown. Its words are there for those who do not see it. */
export function picture (plot: string, words: string): string {
  return `![${words}](images/${plot}.svg)`
}

/** What a region says, for a terminal: without its pictures. */
export function withoutPictures (text: string): string {
  return text.replaceAll(/^!\[.*\n\n?/gm, '')
}

/** What figures were measured on. */
export function machineInWords (): string {
  const cpu = cpus()[0]?.model ?? 'an unknown CPU'
  return `Measured on ${availableParallelism()} cores of ${cpu}, with Node.js ${process.version.slice(1)}; they are shared by the load, the server and PostgreSQL.`
}
