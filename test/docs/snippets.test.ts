import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import t from 'tap'
import ts from 'typescript'
import { pages, root } from './pages.js'
import { snippets, writeSnippet } from './snippets.js'

t.test('every block of code says what shows it to be right', async t => {
  t.ok(snippets.length > 45)
  for (const { page, line, language, mark, name } of snippets.filter(({ language }) => language !== 'mermaid')) {
    const where = `${page}, line ${line}`
    t.ok(mark, `${where} has its comment`)
    t.match(language, /^(?:ts|js|sh|python|json|html|css|text)$/, where)
    if (mark === 'run') t.match(language, /^(?:ts|js|python)$/, where)
    if (mark === 'compile') t.equal(language, 'ts', where)
    if (mark === 'shell') t.equal(language, 'sh', where)
    if (mark === 'compile' || mark === 'show') t.match(name, /\w \w/, `${where} has a reason`)
    if (language === 'ts') t.match(mark, /^(?:run|compile)$/, where)
  }
  for (const [page, text] of pages) t.notMatch(text, /^```\w+ .+$/m, `${page}: nothing stands after a language`)
})

t.test('every snippet that can run is asked for by a test, once it has a name', async t => {
  const tests = readdirSync(`${root}test`, { recursive: true }).map(String).filter(name => name.endsWith('.test.ts'))
    .map(name => readFileSync(`${root}test/${name}`, 'utf8')).join('\n')
  const named = snippets.filter(({ mark }) => mark === 'run' || mark === 'shell' || mark === 'output')
  for (const { page, name } of named) {
    t.match(name, /^[a-z0-9-]+$/, page)
    t.ok(tests.includes(`'${name}'`), `${page}: a test runs ${name}`)
  }
  t.equal(new Set(named.map(({ name }) => name)).size, named.length, 'no two have one name')
})

t.test('every snippet compiles, each as a file of its own', async t => {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile) as { config: { compilerOptions: object } }
  const { options: strict } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const options = { ...strict, noUnusedLocals: false, noUnusedParameters: false }
  const host = ts.createCompilerHost(options)
  const parsed = new Map<string, ts.SourceFile | undefined>()
  const { getSourceFile } = host
  host.getSourceFile = (name, ...rest) => {
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, ...rest))
    return parsed.get(name)
  }
  const written = snippets.filter(({ language }) => language === 'ts').map(writeSnippet)
  t.ok(written.length > 20)
  // A host that uses a part has registered the rest elsewhere.
  const elsewhere = `${root}.tap/snippets/elsewhere.ts`
  writeFileSync(elsewhere, "import '@fastify/session'\nimport 'fastify-authenticator-2fa'\n")
  const login = `${root}.tap/snippets/login.ts`
  writeFileSync(login, "declare module 'fastify' {\n  interface Session { user?: { id: string, label: string } }\n}\nexport {}\n")
  // Those that augment the types of Fastify do so each in its own way, and cannot share a program; the others can.
  const [alone, together] = [true, false].map(augments =>
    written.filter(({ code }) => /declare (?:module|global)/.test(code) === augments))
  for (const [group, ...others] of [
    [together ?? [], elsewhere, login] as const, ...(alone ?? []).map(snippet => [[snippet], elsewhere] as const)
  ]) {
    const program = ts.createProgram([...group.map(({ file }) => file), ...others], options, host)
    for (const { page, line, file } of group) {
      const source = program.getSourceFile(file)
      const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      t.same(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [], `${page}, line ${line}: ${file}`)
    }
  }
})
