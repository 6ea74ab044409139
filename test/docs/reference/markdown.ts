import type { Documented, Exports } from './declarations.js'
import { errorCodes } from './error-codes.js'
import { explainedUnder, withHeadings } from './outline.js'

/** The heading of each error on the page that says what to do, by its class. */
const errorAnchors: Readonly<Record<string, string>> = Object.fromEntries(
  errorCodes().map(({ name, code }) => [name, code.toLowerCase()]))

/** Turns what was read into Markdown, with links between the parts of the page. */
export interface Markdown {
  /** A heading for each member. */
  readonly members: (owner: Documented, prefix: string) => string[]
  /** What stands under the heading of an export. */
  readonly exported: (documented: Documented) => string[]
  readonly alias: (documented: Documented) => string[]
  readonly table: (head: readonly string[], rows: ReadonlyArray<readonly string[]>) => string
  /** The same text, with its `{@link}`s as links. */
  readonly link: (text: string) => string
  readonly headingOf: (exported: string) => string
}

/** The headings under which the exports of the package are explained, by name; members by that of their owner too. */
export function mainHeadings (exports: Exports): Map<string, string> {
  const headings = new Map<string, string>()
  for (const [name, { members }] of exports) {
    const prefix = withHeadings[name]
    headings.set(name, explainedUnder[name] ?? prefix ?? name)
    for (const member of prefix === undefined ? [] : members) headings.set(`${name}.${member.name}`, `${prefix}.${member.name}`)
  }
  return headings
}

/** The same of a further entry point, whose names may be those of others. */
export function headingsOf (specifier: string, exports: Exports): Map<string, string> {
  return new Map([...exports.keys()].map(name => [name, `${specifier.split('/').at(-1)}.${name}`]))
}

/** @param headings - What the page has of what is named in what is turned into Markdown. */
export function createMarkdown (headings: ReadonlyMap<string, string>): Markdown {
  const headingOf = (name: string) => name === 'default' ? 'default export' : headings.get(name) ?? name

  function link (text: string, owner = ''): string {
    return text.replaceAll(/\{@link ([\w.]+)\}/g, (_, target: string) => {
      if (target in errorAnchors) return errorLink(target)
      const heading = headings.get(`${owner}.${target}`) ?? headings.get(target)
      return heading === undefined ? `\`${target}\`` : `[\`${target.split('.').at(-1)}\`](#${anchorOf(heading)})`
    })
  }

  function member (owner: Documented, prefix: string, documented: Documented): string[] {
    const { name, kind, type, optional, text } = documented
    const isOption = prefix === 'options'
    const called = kind === 'function' || type.startsWith('(') ? name + type.replace(/^(\(.*\)) => (.*)$/, '$1: $2') : type
    return [
      `### ${prefix}.${name}`,
      `${typeLink(called)}${isOption && !optional ? ' · required' : ''}`,
      ...[text, ...details(documented)].map(part => link(part, owner.name))
    ].filter(part => part !== '')
  }

  /** A type, and where what it names is explained. */
  function typeLink (type: string): string {
    const names = [...new Set(type.match(/\b[A-Z]\w+/g))].filter(name => headings.has(name))
    const links = names.map(name => `[\`${name}\`](#${anchorOf(headings.get(name) ?? '')})`)
    if (names[0] === type) return links.join('')
    return [inlineCode(type), links.join(', ')].filter(part => part !== '').join(' · ')
  }

  function exported (documented: Documented): string[] {
    const { kind, name, type, text } = documented
    if (kind === 'alias') return alias(documented)
    if (kind === 'class') return [`\`class ${name}\``, text, memberTable(documented)].filter(part => part !== '')
    if (kind === 'object') return [text, memberTable(documented)].filter(part => part !== '')
    return [name === 'default' ? '' : typeLink(kind === 'function' ? name + type : type || name), text, ...details(documented)].filter(part => part !== '')
  }

  function memberTable (owner: Documented): string {
    return owner.members.length === 0
      ? ''
      : table(['', 'type', ''], owner.members.map(documented => [
        `\`${documented.name}${documented.optional ? '?' : ''}\``,
        typeLink(documented.type),
        link([documented.text, ...details(documented)].join(' '), owner.name)
      ]))
  }

  function alias ({ type, text }: Documented): string[] {
    return [typeLink(type.replace(/^\| /, '')), text].filter(part => part !== '')
  }

  return {
    members: (owner, prefix) => owner.members.flatMap(documented => member(owner, prefix, documented)),
    exported,
    alias,
    table,
    link,
    headingOf
  }
}

/** The anchor that GitHub gives a heading. */
export function anchorOf (heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N}\s_-]/gu, '').replaceAll(' ', '-')
}

function details ({ parameters, returns, throws }: Documented): string[] {
  return [
    parameters.map(({ name, text }) => `- \`${name}\`: ${text}`).join('\n'),
    returns && `Answers: ${returns}`,
    throws.map(({ error, text }) => {
      const rest = text.replace(/^If /, 'if ').replaceAll(/\{(\w+Error)\}/g, (_, name: string) => errorLink(name))
      return `Throws ${[error && errorLink(error), rest].filter(part => part !== '').join(' ')}`.replace(/\.?$/, '.')
    }).join(' ')
  ].filter(part => part !== '')
}

/** As CommonMark has it for text with a backtick. */
function inlineCode (text: string): string {
  return text.includes('`') ? `\`\` ${text} \`\`` : `\`${text}\``
}

function errorLink (name: string): string {
  const anchor = errorAnchors[name]
  return anchor === undefined ? `\`${name}\`` : `[\`${name}\`](troubleshooting.md#${anchor})`
}

function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const row = (cells: readonly string[]) => `| ${cells.map(cell => cell.replaceAll(/\s*\n+(?:- )?/g, ' ').replaceAll('|', '\\|')).join(' | ')} |`
  return [row(head), row(head.map(() => '---')), ...rows.map(row)].join('\n')
}
