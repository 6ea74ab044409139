import { readFileSync } from 'node:fs'

/** What a cell can have of another version than package-lock.json. */
export const parts = ['fastify', 'kysely', 'undici', 'postgres'] as const
export type Part = typeof parts[number]

/** One way to run the tests. */
export interface Cell {
  /** A version of Node.js, as `22` or `20.19.0`. */
  readonly node: string
  readonly versions: Readonly<Partial<Record<Part, string>>>
  /** Which tests. None is all. */
  readonly files: readonly string[]
}

/** What is asked for. Of a library that package.json names, `lowest` is the lowest version that it allows. */
export type Choice = Readonly<Partial<Record<Part | 'node' | 'files', readonly string[]>>>

/** The lines of Node.js that all tests run on. */
export const nodes = ['20', '22', '24', '26'] as const
const newest = nodes[3]

interface Variant {
  readonly part: Part
  readonly version: string
  /** The tests that would notice. */
  readonly files: readonly string[]
}

const libraries: readonly Variant[] = [
  { part: 'kysely', version: '0.29', files: [] },
  { part: 'kysely', version: lowest('kysely'), files: ['test/storage', 'test/cli', 'test/flow.test.ts', 'test/demo/app.test.ts'] },
  {
    part: 'fastify',
    version: lowest('fastify'),
    files: ['test/routes', 'test/pages', 'test/proof', 'test/flow.test.ts', 'test/guard.test.ts', 'test/admin.test.ts']
  },
  { part: 'undici', version: lowest('undici'), files: ['test/verifiers', 'test/authenticator-api'] }
]

const databases = ['13', '14', '15', '16', '17', '18'].map((version): Variant => ({
  part: 'postgres',
  version,
  files: [
    'test/storage/kysely.test.ts', 'test/storage/upgrade.test.ts', 'test/processes.test.ts', 'test/devices-processes.test.ts'
  ]
}))

const variants = [...libraries, ...databases]

/** The lowest version that package.json lets a host have, as `5.0.0`. */
function lowest (name: string): string {
  const { peerDependencies, dependencies } = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  ) as Record<'peerDependencies' | 'dependencies', Record<string, string>>
  const [found] = /\d+(\.\d+)*/.exec(peerDependencies[name] ?? dependencies[name] ?? '') ?? []
  if (!found) throw new Error(`package.json has no ${name}`)
  return [...found.split('.'), '0', '0'].slice(0, 3).join('.')
}

/**
 * The cells for a choice: each version that it names of one part with each of the others. If it names none, all Node.js
 * with what package-lock.json has, and every variant on the newest.
 */
export function chooseCells (choice: Choice): readonly Cell[] {
  const named = parts.filter(part => choice[part])
  if (named.length > 0) return product(choice, named)
  const onEachNode = (choice.node ?? nodes).map(node => ({ node, versions: {}, files: choice.files ?? [] }))
  if (choice.node ?? choice.files) return onEachNode
  const onNewest = variants.map(({ part, version, files }) => ({ node: newest, versions: { [part]: version }, files }))
  return [...onEachNode, ...onNewest]
}

function product (choice: Choice, named: readonly Part[]): readonly Cell[] {
  let combinations: ReadonlyArray<Cell['versions']> = [{}]
  for (const part of named) {
    const versions = (choice[part] ?? []).map(version => version === 'lowest' ? lowest(part) : version)
    combinations = combinations.flatMap(others => versions.map(version => ({ ...others, [part]: version })))
  }
  return (choice.node ?? [newest]).flatMap(node =>
    combinations.map(versions => ({ node, versions, files: choice.files ?? filesFor(versions) })))
}

/** Those of the variant, if there is one of it; all, if a cell has several parts of other versions. */
function filesFor (versions: Cell['versions']): readonly string[] {
  const [[part, version] = [], ...others] = Object.entries(versions)
  const alike = variants.filter(variant => variant.part === part)
  return others.length > 0 ? [] : (alike.find(variant => variant.version === version) ?? alike[0])?.files ?? []
}
