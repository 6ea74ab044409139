import { createHash } from 'node:crypto'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { pages, root } from './pages.js'

/**
 * A block of code on a page. The line above it says in a comment, which readers do not see, what shows it to be right:
 * - `run: name`: a test runs it, and asks for it by that name. With `run: name(app, db)` it is the body of a function
 *   that takes these.
 * - `shell: name`: a test gives it to a shell.
 * - `output: name`: a test compares it with what came out.
 * - `compile: why`: it is compiled, and not run for this reason.
 * - `show: why`: it is nothing that could be run.
 */
export interface Snippet {
  readonly page: string
  readonly line: number
  readonly language: string
  readonly mark: string | undefined
  /** Its name, or the reason. */
  readonly name: string
  readonly code: string
  /** Where it is as a file of its own, inside the package: it imports that by its name, as a host would. */
  readonly file: string
}

// What a page may call things that its reader has.
const given: Readonly<Record<string, string>> = {
  app: "import('fastify').FastifyInstance",
  request: "import('fastify').FastifyRequest",
  handler: "import('fastify').RouteHandlerMethod",
  options: "import('fastify-authenticator-2fa').TwoFactorOptions",
  storage: "import('fastify-authenticator-2fa').TwoFactorStorage",
  db: "import('kysely').Kysely<import('fastify-authenticator-2fa').TwoFactorDatabase>",
  userId: 'string',
  secret: 'string',
  onlyAdmins: "import('fastify').preHandlerAsyncHookHandler"
}

const block = /(?:^<!-- (run|shell|output|compile|show): ([^(\n]+?)(?:\(([\w, ]+)\))? -->\n)?^```(\w*)\n(.*?)^```$/gms
const folder = `${root}.tap/snippets/`
const extensions: Record<string, string> = { ts: 'ts', js: 'js', sh: 'sh', python: 'py' }

/** All of them, in the order of their pages. */
export const snippets: readonly Snippet[] = [...pages].flatMap(([page, text]) =>
  [...text.matchAll(block)].map(({ index, 1: mark, 2: name = '', 3: takes, 4: language = '', 5: source = '' }) => {
    const code = takes === undefined ? source : asFunction(source, takes.split(', '))
    // By what is in it: test files that run at once write the same.
    const hash = createHash('sha256').update(code).digest('hex').slice(0, 12)
    const file = `${folder}${page.replaceAll(/\W+/g, '-')}-${hash}.${extensions[language] ?? 'txt'}`
    return { page, line: text.slice(0, index).split('\n').length, language, mark, name, code, file }
  }))

function asFunction (source: string, names: readonly string[]): string {
  const imports = source.match(/^import [^;]*?'\n/gms) ?? []
  const body = imports.reduce((rest, statement) => rest.replace(statement, ''), source)
  const parameters = names.map(name => {
    if (!given[name]) throw new Error(`Say in test/docs/snippets.ts what ${name} is`)
    return `${name}: ${given[name]}`
  })
  return `${imports.join('')}export default async function (${parameters.join(', ')}) {\n${body}}\n`
}

/**
 * The one of this name, as a file.
 *
 * @throws {Error} if there is none, or more than one.
 */
export function snippet (name: string): Snippet {
  const [found, ...others] = snippets.filter(other => other.name === name && /run|shell|output/.test(other.mark ?? ''))
  if (!found || others.length > 0) throw new Error(`${others.length > 0 ? 'More than one' : 'No'} snippet is called ${name}`)
  return writeSnippet(found)
}

/** Writes it out as a file: whole or not at all, for other tests that look for it now. */
export function writeSnippet (snippet: Snippet): Snippet {
  mkdirSync(folder, { recursive: true })
  const draft = `${snippet.file}.${process.pid}`
  writeFileSync(draft, snippet.code)
  renameSync(draft, snippet.file)
  return snippet
}

/** What the snippet of this name exports. */
export async function load<Exports> (name: string): Promise<Exports> {
  return await import(pathToFileURL(snippet(name).file).href) as Exports
}
