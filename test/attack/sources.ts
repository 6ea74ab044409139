import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../../plugin', import.meta.url))

/** Something that stands in plugin/. */
export interface Place<Node extends ts.Node> {
  /** In plugin/, such as `routes/parsers.ts`. */
  readonly file: string
  readonly node: Node
  readonly text: string
}

/** Everything in plugin/ that is of this kind. */
export function find<Node extends ts.Node> (is: (node: ts.Node) => node is Node): Array<Place<Node>> {
  const found: Array<Place<Node>> = []
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.ts'))
  for (const file of files) {
    const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
    const visit = (node: ts.Node): void => {
      if (is(node)) found.push({ file, node, text: node.getText(source) })
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return found
}
