import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The root of the repository, as a path. */
export const root = fileURLToPath(new URL('../../', import.meta.url))

/** Every page that people read, by its path in the repository. */
export const pages: ReadonlyMap<string, string> = new Map([
  ...['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'],
  ...readdirSync(`${root}docs`).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)
].map(page => [page, readFileSync(root + page, 'utf8')]))

/** @throws {Error} if there is no such page. */
export function pageText (page: string): string {
  const text = pages.get(page)
  if (text === undefined) throw new Error(`There is no page ${page}`)
  return text
}

/** From a heading to the next one of its level or above. Empty if the page has no such heading. */
export function section (page: string, heading: string): string {
  const text = pageText(page)
  const [level = ''] = heading.split(' ', 1)
  const start = `\n${text}`.indexOf(`\n${heading}\n`)
  if (start === -1) return ''
  const rest = text.slice(start + heading.length)
  const end = new RegExp(`^#{1,${level.length}} `, 'm').exec(rest)
  return heading + (end ? rest.slice(0, end.index) : rest)
}
