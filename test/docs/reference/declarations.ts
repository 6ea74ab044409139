import { readFileSync } from 'node:fs'
import ts from 'typescript'
import { root } from '../pages.js'

/** Something that is exported, or a member of it. */
export interface Documented {
  readonly name: string
  /** The file that declares it, by its path in plugin/. */
  readonly source: string
  readonly kind: 'function' | 'class' | 'object' | 'alias' | 'value' | 'namespace'
  /** As it is written, on one line. */
  readonly type: string
  readonly optional: boolean
  /** Markdown. `{@link}`s are still in it. */
  readonly text: string
  readonly parameters: ReadonlyArray<{ readonly name: string, readonly text: string }>
  readonly returns: string
  /** Names of errors, and when. Of something else than those there is the text alone. */
  readonly throws: ReadonlyArray<{ readonly error: string, readonly text: string }>
  /** Of an object: with what it inherits. */
  readonly members: readonly Documented[]
}

/** What an entry point of the package exports, by name. */
export type Exports = ReadonlyMap<string, Documented>

/** Reads every entry point of the package, by its specifier. */
export function readEntryPoints (): ReadonlyMap<string, Exports> {
  const { name, exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as {
    name: string, exports: Record<string, string | Record<string, string>>
  }
  const sources = Object.entries(exports).flatMap(([path, conditions]) => {
    const source = typeof conditions === 'string' ? undefined : conditions[`@${name}/source`]
    return source === undefined ? [] : [[`${name}${path.slice(1)}`, root + source.slice(2)] as const]
  })
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile) as { config: { compilerOptions: object } }
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  const program = ts.createProgram(sources.map(([, file]) => file), options)
  return new Map(sources.map(([specifier, file]) => [specifier, readExports(program, file)]))
}

function readExports (program: ts.Program, file: string): Exports {
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(file) as ts.Node)
  if (!module) throw new Error(`${file} exports nothing`)
  return new Map(checker.getExportsOfModule(module).map(exported => {
    const isAlias = (exported.flags & ts.SymbolFlags.Alias) !== 0
    const symbol = isAlias ? checker.getAliasedSymbol(exported) : exported
    const { name } = symbol.valueDeclaration as ts.FunctionDeclaration | undefined ?? {}
    // What is the default has a name of its own.
    return [exported.name, { ...read(checker, symbol), name: exported.name === 'default' && name ? name.text : exported.name }]
  }))
}

function read (checker: ts.TypeChecker, symbol: ts.Symbol): Documented {
  const declaration = symbol.declarations?.[0]
  if (!declaration) throw new Error(`${symbol.name} is declared nowhere`)
  return {
    name: symbol.name,
    source: declaration.getSourceFile().fileName.replace(`${root}plugin/`, ''),
    kind: kindOf(declaration),
    type: typeText(declaration),
    optional: (declaration as Partial<ts.PropertySignature>).questionToken !== undefined,
    ...readComment(declaration),
    members: membersOf(checker, symbol, declaration).map(member => read(checker, member))
  }
}

function kindOf (declaration: ts.Declaration): Documented['kind'] {
  if (ts.isFunctionDeclaration(declaration) || ts.isMethodSignature(declaration)) return 'function'
  if (ts.isInterfaceDeclaration(declaration)) return 'object'
  if (ts.isClassDeclaration(declaration)) return 'class'
  if (ts.isTypeAliasDeclaration(declaration)) return isPicked(declaration.type) ? 'object' : 'alias'
  return ts.isSourceFile(declaration) ? 'namespace' : 'value'
}

/** A type that is made of another one's members. */
function isPicked (type: ts.TypeNode): boolean {
  return ts.isTypeReferenceNode(type) && ['Pick', 'Omit'].includes(type.typeName.getText())
}

function membersOf (checker: ts.TypeChecker, symbol: ts.Symbol, declaration: ts.Declaration): ts.Symbol[] {
  switch (kindOf(declaration)) {
    case 'object': return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
    // What every object of its kind has by the language is no news.
    case 'class': return checker.getPropertiesOfType(checker.getDeclaredTypeOfSymbol(symbol))
      .filter(({ valueDeclaration }) => valueDeclaration?.getSourceFile().fileName.startsWith(`${root}plugin/`))
    case 'namespace': return checker.getExportsOfModule(symbol)
    default: return []
  }
}

function typeText (declaration: ts.Declaration): string {
  const source = declaration.getSourceFile().text
  if (ts.isFunctionDeclaration(declaration) || ts.isMethodSignature(declaration)) {
    const parameters = declaration.parameters.map(parameter => parameterText(parameter)).join(', ')
    return oneLine(`(${parameters}): ${declaration.type?.getText() ?? 'void'}`)
  }
  if (ts.isVariableDeclaration(declaration)) return oneLine(declaration.type?.getText() ?? '')
  const typed = declaration as ts.PropertySignature | ts.TypeAliasDeclaration
  return typed.type ? oneLine(source.slice(typed.type.getStart(), typed.type.getEnd())) : ''
}

/** A parameter that is taken apart at once is called what its type says. */
function parameterText ({ name, questionToken, initializer, type, dotDotDotToken }: ts.ParameterDeclaration): string {
  const called = ts.isIdentifier(name) ? name.text : 'options'
  return `${dotDotDotToken ? '...' : ''}${called}${questionToken || initializer ? '?' : ''}: ${type?.getText() ?? 'unknown'}`
}

function oneLine (text: string): string {
  return text.replaceAll(/\/\*\*.*?\*\//gs, '').replaceAll(/\s+/g, ' ').replaceAll('readonly ', '')
    .replaceAll(/(?<=\() | (?=\))/g, '').replaceAll(/MaybePromise<([^<>]+)>/g, '$1 | Promise<$1>').trim()
}

function readComment (declaration: ts.Declaration): Pick<Documented, 'text' | 'parameters' | 'returns' | 'throws'> {
  const comments = ts.getJSDocCommentsAndTags(declaration).filter(ts.isJSDoc)
  const tags = comments.flatMap(({ tags }) => [...tags ?? []])
  const textOf = (node: ts.JSDoc | ts.JSDocTag) => ts.getTextOfJSDocComment(node.comment) ?? ''
  return {
    text: comments.map(textOf).join('\n\n'),
    parameters: tags.filter(ts.isJSDocParameterTag).map(tag => (
      { name: tag.name.getText(), text: textOf(tag).replace(/^- /, '') })),
    returns: tags.filter(ts.isJSDocReturnTag).map(textOf).join(' '),
    throws: tags.filter(ts.isJSDocThrowsTag).map(tag => (
      { error: tag.typeExpression?.getText().slice(1, -1) ?? '', text: textOf(tag) }))
  }
}
