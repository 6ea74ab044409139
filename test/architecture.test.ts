import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import t from 'tap'
import ts from 'typescript'

interface Import {
  readonly specifier: string
  /** Gone when the types are. */
  readonly typeOnly: boolean
}

interface Rule {
  readonly files: RegExp
  /** What they may import. Modules of plugin/ are named by their path in it. */
  readonly imports: readonly RegExp[]
  /** What they may know the types of, beside that. */
  readonly types?: readonly RegExp[]
}

const crypto = /^node:crypto$/
const errors = /^errors$/
const fastify = /^fastify$/

// DESIGN.md, section 3. The first rule that fits a file is the one that holds for it.
const rules: readonly Rule[] = [
  // What everything may stand on.
  { files: /^errors$/, imports: [/^@fastify\/error$/] },
  { files: /^events$/, imports: [] },
  { files: /^otp\//, imports: [crypto, /^qr$/, /^otp\//] },
  { files: /^secrets\//, imports: [crypto, errors], types: [/^secrets\//] },

  // Interfaces know types alone.
  { files: /^option-checks$/, imports: [errors] },
  { files: /^(storage\/storage|verifiers\/verifier)$/, imports: [] },
  { files: /^proof\/proof$/, imports: [], types: [fastify, /^service\/passes$/] },

  // Behind the interfaces.
  {
    files: /^storage\/migrations\//,
    imports: [/^storage\/dialects\/tables$/],
    types: [/^kysely$/, /^storage\/migrations\/migration$/]
  },
  { files: /^storage\/remembered$/, imports: [], types: [/^kysely$/, /^storage\/dialects\/dialect$/] },
  { files: /^storage\/recovery-hashes$/, imports: [] },
  { files: /^storage\/retries$/, imports: [/^node:timers\/promises$/], types: [/^storage\/storage$/] },
  {
    files: /^storage\/dialects\//,
    imports: [/^kysely$/, errors, /^storage\/(dialects\/|retries$)/],
    types: [/^storage\/schema$/]
  },
  // Two ways to keep the same promises. Neither knows the other.
  {
    files: /^storage\/statements\//,
    imports: [/^kysely$/, /^storage\/(recovery-hashes$|remembered$|rows$|statements\/)/],
    types: [/^storage\/(decisions|schema|storage)$/, /^storage\/dialects\/dialect$/]
  },
  {
    files: /^storage\/transactions\//,
    imports: [/^kysely$/, /^storage\/(passes|recovery-hashes|rows|transaction)$/, /^storage\/transactions\//],
    types: [/^storage\/(decisions|schema|storage)$/, /^storage\/dialects\/dialect$/]
  },
  { files: /^storage\//, imports: [/^kysely$/, /^storage\//, errors] },
  {
    files: /^verifiers\//,
    imports: [/^node:(crypto|net)$/, /^otp\//, /^verifiers\/authenticator-api\//, /^(undici|cockatiel|option-checks)$/],
    types: [/^verifiers\/verifier$/]
  },
  {
    files: /^proof\//,
    imports: [crypto, errors],
    types: [fastify, /^@fastify\/session$/, /^proof\/proof$/, /^service\/passes$/]
  },

  // The use cases: no HTTP, no SQL, no network.
  {
    files: /^service(\/|$)/,
    imports: [crypto, errors, /^otp\//, /^service\//],
    types: [/^events$/, /^secrets\/secret-box$/, /^storage\/storage$/, /^verifiers\/verifier$/]
  },

  // The web, on top of them.
  { files: /^policy$/, imports: [errors] },
  { files: /^browser$/, imports: [], types: [fastify] },
  { files: /^methods$/, imports: [], types: [fastify, /^options$/] },
  { files: /^subject$/, imports: [], types: [fastify, /^service\/dependencies$/] },
  { files: /^refusal$/, imports: [errors], types: [fastify] },
  { files: /^requirement$/, imports: [errors, /^service\/within$/], types: [fastify, /^options$/] },
  {
    files: /^access$/,
    imports: [errors, /^(policy|requirement|refusal|device-pass)$/],
    types: [fastify, /^(options|device-cookies)$/, /^service$/, /^service\/passes$/]
  },
  { files: /^guard$/, imports: [errors, /^(access|browser|policy)$/], types: [fastify] },
  {
    files: /^request(\/|$)/,
    imports: [errors, /^access$/, /^(device-label|device-pass|subject)$/, /^(requirement$|request\/)/],
    types: [fastify, /^(events|methods|options|policy|service)$/, /^proof\/proof$/, /^service\//]
  },
  {
    files: /^page-options$/,
    imports: [/^option-checks$/, /^pages\/(theme|languages\/en)$/],
    types: [fastify, /^pages\//]
  },
  { files: /^pages\/languages\//, imports: [/^pages\/plural$/], types: [/^pages\/messages$/] },
  {
    files: /^pages\//,
    imports: [crypto, /^negotiator$/, /^browser$/, /^pages\//],
    types: [fastify, /^(events|methods|page-options|request|requirement)(\/|$)/, /^service\//]
  },
  {
    files: /^routes\//,
    imports: [
      errors, /^(access|browser|guard|refusal|request)$/, /^(pages|request|routes)\//,
      /^@fastify\/(formbody|rate-limit)$/, /^ajv$/, /^node:http$/
    ],
    types: [fastify, /^events$/, /^service(\/setup)?$/]
  },

  // The server of the protocol that a remote verifier speaks: an app of its own.
  {
    files: /^authenticator-api\//,
    imports: [
      /^(errors|option-checks)$/, /^node:(crypto|http|zlib)$/, /^(qr|@fastify\/error)$/,
      /^otp\/(base32|key-uri|totp)$/, /^routes\/(address-limit|parsers)$/, /^authenticator-api\//
    ],
    types: [fastify, /^@fastify\/rate-limit$/]
  },

  // The routes of a back office, in a context of the host's.
  {
    files: /^admin\//,
    imports: [
      errors, /^(access|option-checks|policy)$/, /^routes\/(cross-origin|examples|operation|parsers|schemas)$/,
      /^admin\//
    ],
    types: [fastify, /^routes\/schema-types$/]
  },

  // What runs elsewhere: in browsers, where there is nothing but the file itself, and in the tests of hosts.
  { files: /^client\//, imports: [/^client\//] },
  { files: /^testing\//, imports: [/^otp\/(base32|totp)$/, /^testing\//], types: [fastify, /^otp\/hotp$/] },

  // The command line. It puts the use cases together as the plugin does, in one place.
  { files: /^cli$/, imports: [/^cli\/(program|terminal)$/] },
  {
    files: /^cli\/context$/,
    imports: [
      errors, /^(kysely|pg|composition|options)$/, /^secrets\/key-ring$/, /^storage\/kysely$/,
      /^verifiers\/(authenticator-api|local)$/,
      /^cli\/failure$/
    ],
    types: [/^cli\/terminal$/, /^service$/, /^storage\/(schema|storage)$/]
  },
  {
    files: /^cli\//,
    imports: [
      /^node:(crypto|fs|fs\/promises|path|readline\/promises)$/, /^(commander|csv-parse)$/, fastify, errors,
      /^authenticator-api\/index$/, /^storage\/migrate$/, /^cli\//
    ],
    types: [/^node:stream$/, /^service$/, /^service\//, /^storage\/storage$/, /^verifiers\/verifier$/]
  },

  // Trusted devices: their options, what they are called, their cookies, and how one passes.
  { files: /^device-label$/, imports: [] },
  { files: /^device-options$/, imports: [/^option-checks$/] },
  {
    files: /^device-cookies$/,
    imports: [errors],
    types: [fastify, /^@fastify\/session$/, /^proof\/proof$/, /^service\/devices$/]
  },
  { files: /^device-pass$/, imports: [/^subject$/], types: [fastify, /^access$/, /^service\/passes$/] },

  // What puts it together.
  {
    files: /^composition$/,
    imports: [/^service$/, /^secrets\/secret-box$/, /^service\/(bounded-storage|journal|within)$/],
    types: [/^(events|options)$/, /^secrets\/key-ring$/, /^storage\/storage$/]
  },
  {
    files: /^options$/,
    imports: [/^(device-options|option-checks|page-options)$/, /^proof\/session$/, /^verifiers\/local$/],
    types: [
      fastify, /^@fastify\/rate-limit$/, /^(events|methods|requirement)$/, /^proof\/proof$/, /^secrets\/cipher$/,
      /^service\/(clocks|dependencies)$/, /^storage\/storage$/,
      /^verifiers\/verifier$/
    ]
  },
  {
    files: /^plugin$/,
    imports: [
      errors, /^node:diagnostics_channel$/, /^(access|composition|device-cookies|guard|options|refusal|request)$/,
      /^pages\/renderer$/, /^routes\/routes$/, /^secrets\/key-ring$/
    ],
    types: [fastify, /^(events|service)$/, /^proof\/proof$/, /^secrets\/secret-box$/, /^storage\/storage$/]
  },
  {
    files: /^index$/,
    imports: [
      /^fastify-plugin$/, /^(errors|plugin)$/, /^admin\/admin$/, /^proof\/(bearer|session)$/,
      /^pages\/(languages|plural)$/, /^storage\/(kysely|migrate|prepared-statements)$/,
      /^verifiers\/(authenticator-api|local)$/
    ],
    types: [
      /^(device-options|events|methods|options|page-options|policy|request|requirement|service)$/,
      /^(pages|proof|request|secrets|service|storage|verifiers)\//
    ]
  }
]

const root = new URL('../', import.meta.url)

function filesOf (folder: string): string[] {
  return readdirSync(new URL(folder, root), { recursive: true }).map(String).filter(name => name.endsWith('.ts')).sort()
}

/** Every import of a file, however it is written. */
function importsOf (path: string): Import[] {
  const source = ts.createSourceFile(path, readFileSync(new URL(path, root), 'utf8'), ts.ScriptTarget.Latest)
  const found: Import[] = []
  const add = (literal: ts.Node | undefined, typeOnly: boolean) => {
    found.push({ specifier: literal && ts.isStringLiteralLike(literal) ? literal.text : 'computed', typeOnly })
  }

  function visit (node: ts.Node): void {
    if (ts.isImportDeclaration(node)) {
      const { importClause: clause } = node
      const bindings = clause?.namedBindings
      const named = bindings && ts.isNamedImports(bindings) ? bindings.elements : []
      const inline = named.length > 0 && !clause?.name && named.every(element => element.isTypeOnly)
      add(node.moduleSpecifier, clause !== undefined && (clause.isTypeOnly || inline))
    } else if (ts.isExportDeclaration(node) && node.moduleSpecifier) {
      const named = node.exportClause && ts.isNamedExports(node.exportClause) ? node.exportClause.elements : []
      add(node.moduleSpecifier, node.isTypeOnly || (named.length > 0 && named.every(element => element.isTypeOnly)))
    } else if (ts.isImportTypeNode(node)) {
      add(ts.isLiteralTypeNode(node.argument) ? node.argument.literal : undefined, true)
    } else if (ts.isCallExpression(node) && (node.expression.kind === ts.SyntaxKind.ImportKeyword ||
      (ts.isIdentifier(node.expression) && node.expression.text === 'require'))) {
      add(node.arguments[0], false)
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** The name of a module: its path in plugin/ without the extension, or the specifier as it is. */
function nameOf (file: string, specifier: string): string {
  return specifier.startsWith('.') ? posix.join(posix.dirname(file), specifier).replace(/\.js$/, '') : specifier
}

const modules = filesOf('plugin/').map(file => {
  const imports = importsOf(`plugin/${file}`).map(({ specifier, typeOnly }) => ({ name: nameOf(file, specifier), specifier, typeOnly }))
  return { name: file.replace(/\.ts$/, ''), imports }
})

t.test('imports of plugin/ point inwards, and every file has its place', async t => {
  t.ok(modules.length > 30)
  for (const { name, imports } of modules) {
    const rule = rules.find(({ files }) => files.test(name))
    t.ok(rule, `${name} has a rule`)
    for (const { name: imported, specifier, typeOnly } of imports) {
      const allowed = [...rule?.imports ?? [], ...typeOnly ? rule?.types ?? [] : []]
      t.ok(allowed.some(pattern => pattern.test(imported)), `${name} may import ${typeOnly ? 'the types of ' : ''}${imported}`)
      if (specifier.startsWith('.')) t.match(specifier, /\.js$/, `${name}: ${specifier} has its suffix`)
    }
  }
})

t.test('every rule has files, and every pattern of it is needed', async t => {
  for (const rule of rules) {
    const files = modules.filter(({ name }) => rules.find(({ files }) => files.test(name)) === rule)
    t.not(files.length, 0, String(rule.files))
    const imported = files.flatMap(({ imports }) => imports.map(({ name }) => name))
    for (const pattern of [...rule.imports, ...rule.types ?? []]) {
      t.ok(imported.some(name => pattern.test(name)), `${rule.files}: ${pattern}`)
    }
  }
})

t.test('the modules of plugin/ import each other in no circle, types aside', async t => {
  const values = new Map(modules.map(({ name, imports }) => [
    name, imports.filter(({ typeOnly }) => !typeOnly).map(({ name }) => name)
  ]))
  const done = new Set<string>()
  const circles: string[] = []
  function walk (name: string, path: string[]): void {
    if (path.includes(name)) circles.push([...path, name].join(' > '))
    if (path.includes(name) || done.has(name)) return
    for (const next of values.get(name) ?? []) walk(next, [...path, name])
    done.add(name)
  }
  for (const name of values.keys()) walk(name, [])
  t.same(circles, [])
})

t.test('plugin/ imports only packages that its users get', async t => {
  const { dependencies, peerDependencies } = readPackage()
  for (const { name, imports } of modules) {
    for (const { specifier, typeOnly } of imports.filter(({ specifier }) => !/^(\.|node:)/.test(specifier))) {
      const given = specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/')
      t.ok(given in dependencies || given in peerDependencies, `${name}: ${specifier}${typeOnly ? ' (types)' : ''}`)
    }
  }
})

t.test('demo/ imports the package by its public name alone', async t => {
  if (!existsSync(new URL('demo/', root))) return
  const { name: own, dependencies, peerDependencies, devDependencies } = readPackage()
  const packages = { ...dependencies, ...peerDependencies, ...devDependencies }
  for (const file of filesOf('demo/')) {
    for (const { specifier } of importsOf(`demo/${file}`)) {
      if (specifier.startsWith('.')) {
        t.notMatch(posix.join('demo', posix.dirname(file), specifier), /^(?!demo\/)/, `${file}: ${specifier} stays in demo/`)
      } else if (specifier.startsWith(own)) {
        t.ok([own, `${own}/authenticator-api`].includes(specifier), `${file}: ${specifier}`)
      } else {
        t.ok(/^node:/.test(specifier) || specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/') in packages, `${file}: ${specifier}`)
      }
    }
    t.notMatch(readFileSync(new URL(`demo/${file}`, root), 'utf8'), /\.\.\/(plugin|test|dist)\b/, `${file} names no path of the package's inside`)
  }
})

interface Package {
  readonly name: string
  readonly dependencies: Record<string, string>
  readonly peerDependencies: Record<string, string>
  readonly devDependencies: Record<string, string>
}

function readPackage (): Package {
  return JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as Package
}
