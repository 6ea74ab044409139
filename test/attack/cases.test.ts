import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import ts from 'typescript'
import { attackCases } from './cases.js'

const root = fileURLToPath(new URL('..', import.meta.url))

interface Title {
  readonly file: string
  readonly title: string
  /** What it starts with: `S7 W5 a setup …`, `A1: a service …`. */
  readonly ids: readonly string[]
}

const titles = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter(file => /\.ts$/.test(file))
  .flatMap(file => titlesIn(file))

/** The titles of the tests in a file: what `t.test` and its like are given first. */
function titlesIn (file: string): Title[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest)
  const found: Title[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && /(^|\.)test$/.test(node.expression.getText(source))) {
      const title = textOf(node.arguments[0])
      if (title !== undefined) found.push({ file, title, ids: idsOf(title) })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

function textOf (node: ts.Expression | undefined): string | undefined {
  if (node && ts.isStringLiteralLike(node)) return node.text
  return node && ts.isTemplateExpression(node) ? node.head.text : undefined
}

function idsOf (title: string): string[] {
  const [start = ''] = title.match(/^([A-Z]\d{1,2}[:,]? )*/) ?? []
  return start.match(/[A-Z]\d{1,2}/g) ?? []
}

t.test('each case has a test that is named after it, in its file', t => {
  t.ok(titles.length > 500, 'the titles were found')
  for (const [id, { file, what }] of Object.entries(attackCases)) {
    t.ok(titles.some(title => title.file === file && title.ids.includes(id)), `${id} ${what}: ${file}`)
  }
  t.end()
})

t.test('no title names a case that is not there', t => {
  for (const { file, title, ids } of titles) {
    t.same(ids.filter(id => !Object.hasOwn(attackCases, id)), [], `${file}: ${title}`)
  }
  t.end()
})

t.test('no case is missing between the first of a letter and the last', t => {
  for (const letter of new Set(Object.keys(attackCases).map(id => id.charAt(0)))) {
    const numbers = Object.keys(attackCases).filter(id => id.startsWith(letter)).map(id => Number(id.slice(1)))
    t.same(numbers, numbers.map((_, index) => index + 1), letter)
  }
  t.end()
})
