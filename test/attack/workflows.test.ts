import { readdirSync, readFileSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { parseDocument } from 'yaml'
import { chooseCells, nodes } from '../matrix/cells.js'

const root = fileURLToPath(new URL('../../.github', import.meta.url))

interface Step {
  readonly uses?: string
  readonly run?: string
}

interface Workflow {
  readonly permissions: Readonly<Record<string, string>>
  readonly on: unknown
  readonly jobs: Readonly<Record<string, {
    readonly 'timeout-minutes': number
    readonly permissions?: Readonly<Record<string, string>>
    readonly strategy?: { readonly matrix: Readonly<Record<string, readonly string[]>> }
    readonly steps: readonly Step[]
  }>>
}

function read (file: string): { readonly value: unknown, readonly problems: readonly Error[] } {
  const document = parseDocument(readFileSync(`${root}/${file}`, 'utf8'), { strict: true, uniqueKeys: true })
  return { value: document.toJS(), problems: [...document.errors, ...document.warnings] }
}

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.yml'))
const workflows = files.filter(file => file.startsWith('workflows/'))
  .map(file => ({ file, workflow: read(file).value as Workflow }))

t.test('every file is YAML without an error, and names no machine', t => {
  t.ok(files.length >= 5)
  for (const file of files) {
    t.same(read(file).problems, [], file)
    t.notMatch(readFileSync(`${root}/${file}`, 'utf8'), /\/(home|root|work|tmp|Users)\//, file)
  }
  t.end()
})

t.test('no workflow may write but where it has to, none runs for ever, and each action has a major version', t => {
  for (const { file, workflow: { permissions, on, jobs } } of workflows) {
    t.same(permissions, { contents: 'read' }, file)
    t.notMatch(JSON.stringify(on), /pull_request_target|workflow_run/, `${file} never runs code of strangers with rights`)
    for (const job of Object.values(jobs)) {
      t.ok(job['timeout-minutes'] <= 60, file)
      for (const { uses = 'a@v1', run = '' } of job.steps) {
        t.match(uses, /@v\d+$/, `${file} ${uses}`)
        t.notMatch(run, /\$\{\{/, `${file}: no text of a request gets into a shell`)
      }
    }
  }
  t.end()
})

t.test('what is published says where it was built; what is tested is tested by .ci/run', t => {
  const find = (name: string) => workflows.find(({ file }) => file === `workflows/${name}.yml`)?.workflow
  const publish = find('publish')?.jobs.publish
  t.same(publish?.permissions, { contents: 'read', 'id-token': 'write' })
  t.ok(publish?.steps.some(({ run }) => run?.includes('npm publish --provenance')))
  t.ok(find('ci')?.jobs.test?.steps.some(({ run }) => run === '.ci/run $CELLS'))
  t.ok(find('ci')?.jobs.audit?.steps.some(({ run }) => run?.startsWith('npm audit --omit=dev')))
  t.ok(statSync(new URL('../../.ci/run', import.meta.url)).mode & 0o100, 'which can be run')
  t.end()
})

t.test('CI runs every cell of the matrix, and .ci/run by itself the oldest and the newest Node.js', t => {
  const script = readFileSync(new URL('../../.ci/run', import.meta.url), 'utf8')
  const alone = /for version in ([\d ]+);/.exec(script)?.[1]?.split(' ')
  t.same(alone, [nodes[0], nodes.at(-1)])
  const options = read('workflows/ci.yml').value as Workflow
  const run = (options.jobs.test?.strategy?.matrix.cells ?? []).flatMap(option => {
    const [, name, versions] = /^--(\w+)=(.+)$/.exec(option) ?? []
    return chooseCells(name && versions ? { [name]: versions.split(',') } : { node: alone ?? [] })
  })
  const inOrder = (cells: typeof run) => cells.map(cell => JSON.stringify(cell)).sort()
  t.same(inOrder(run), inOrder([...chooseCells({})]))
  t.end()
})
