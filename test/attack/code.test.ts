import t from 'tap'
import ts from 'typescript'
import { find } from './sources.js'

// What an attacker could get to run must be there when the code is read.

type Call = ts.CallExpression | ts.NewExpression
const calls = find((node): node is Call => ts.isCallExpression(node) || ts.isNewExpression(node))

t.test('nothing makes code of text: no eval, no Function, no timer with a text, no vm', t => {
  t.ok(calls.length > 1000, `${calls.length} calls`)
  for (const { file, node, text } of calls) {
    const called = node.expression.getText()
    const name = `${file} ${text.slice(0, 80)}`
    t.notMatch(called, /^(globalThis\.)?(eval|Function|AsyncFunction|GeneratorFunction)$/, name)
    t.notMatch(called, /(^|\.)(compileFunction|runIn(New|This)?Context|setFlagsFromString)$/, name)
    const [first] = node.arguments ?? []
    if (/(^|\.)set(Timeout|Interval|Immediate)$/.test(called)) t.notOk(first && ts.isStringLiteralLike(first), name)
  }
  const constructors = find(ts.isPropertyAccessExpression).filter(({ text }) => /\.constructor\b/.test(text))
  t.same(constructors.map(({ file, text }) => `${file} ${text}`), [], 'nor by the constructor of a function')
  t.end()
})

/** Modules that are loaded while it runs, and why. */
const lazy: Readonly<Record<string, string>> = {
  "cli/context.ts import('pg')": 'an optional peer: commands that need no database run without it'
}

t.test('every module is named by a literal, and loaded at the start but for those that need not be there', t => {
  const loaded = calls.filter(({ node }) => node.expression.kind === ts.SyntaxKind.ImportKeyword ||
    /^(require|createRequire|module\.require|process\.(binding|dlopen))$/.test(node.expression.getText()))
  for (const { file, node, text } of loaded) {
    t.ok(node.arguments?.length === 1 && ts.isStringLiteral(node.arguments[0] as ts.Node), `${file} ${text}`)
  }
  t.same(loaded.map(({ file, text }) => `${file} ${text}`), Object.keys(lazy))

  const modules = [...find(ts.isImportDeclaration), ...find(ts.isExportDeclaration)]
    .map(({ file, node }) => ({ file, module: node.moduleSpecifier?.getText().slice(1, -1) }))
  t.ok(modules.length > 300)
  for (const { file, module } of modules) {
    t.notMatch(module, /^(node:)?(vm|child_process|worker_threads|cluster|inspector|repl|module|wasi)(\/|$)/, `${file} ${module}`)
  }
  t.end()
})
