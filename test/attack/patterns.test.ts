import { checkSync } from 'recheck'
import t from 'tap'
import ts from 'typescript'
import { openDatabase } from '../helpers/database.js'
import { openBearer, openSessions } from './arena.js'
import { find } from './sources.js'

// A pattern that takes a multiple of the time for a multiple of the text lets one request hold up all others.

/** Patterns that the checker calls slow, and why none of them ever is. */
const excused: Readonly<Record<string, string>> = {
  'authenticator-api/options.ts /\\/+$/': 'an option of the host, read once',
  'client/transport.ts /\\/+$/': 'an option of the host, read once',
  'verifiers/authenticator-api/options.ts /\\/+$/': 'an option of the host, read once',
  'verifiers/authenticator-api/veil.ts /~[0-9a-f-]{36}/': 'at most 37 characters from each place, so linear; and the text is our own request'
}

const literals = find(ts.isRegularExpressionLiteral)

t.test('no pattern in the code takes more than linear time', t => {
  t.ok(literals.length > 60, `${literals.length} patterns`)
  for (const { file, text } of literals) {
    const end = text.lastIndexOf('/')
    const { status } = checkSync(text.slice(1, end), text.slice(end + 1), { timeout: 20_000 })
    const name = `${file} ${text}`
    t.ok(status === 'safe' || name in excused, `${name}: ${status}`)
  }
  const names = new Set(literals.map(({ file, text }) => `${file} ${text}`))
  t.same(Object.keys(excused).filter(name => !names.has(name)), [], 'what is excused is there')
  t.end()
})

t.test('no pattern in the code is made while it runs', t => {
  const isMade = (node: ts.Node): node is ts.NewExpression | ts.CallExpression =>
    (ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp'
  t.same(find(isMade).map(({ file, text }) => `${file} ${text}`), [])
  t.end()
})

interface Schema {
  readonly pattern?: string
  readonly maxLength?: number
}

/** Every part of a schema that has a pattern. */
function patternsIn (schema: unknown, found: Schema[] = []): Schema[] {
  if (typeof schema !== 'object' || schema === null) return found
  if ('pattern' in schema && typeof schema.pattern === 'string') found.push(schema as Schema)
  for (const part of Object.values(schema)) patternsIn(part, found)
  return found
}

t.test('no pattern in a schema of a route takes more than linear time, and each stands beside a length', async t => {
  const schemas: unknown[] = []
  const onRoute = (schema: unknown) => { schemas.push(schema) }
  for (const digits of [6, 7, 8]) await openSessions(t, await openDatabase(), { digits, onRoute })
  await openBearer(t, await openDatabase(), { onRoute })

  const patterns = schemas.flatMap(schema => patternsIn(schema))
  const distinct = new Map(patterns.map(schema => [schema.pattern ?? '', schema]))
  t.ok(distinct.size > 6, [...distinct.keys()].join('  '))
  for (const [pattern, { maxLength }] of distinct) {
    t.match(checkSync(pattern, 'u', { timeout: 20_000 }), { status: 'safe' }, pattern)
    if (!/^\^[^*+]+\$$/.test(pattern)) t.ok((maxLength ?? Infinity) <= 2048, `${pattern}: at most ${maxLength} characters`)
  }
})
