import { readEntryPoints, type Documented, type Exports } from './declarations.js'
import { errorCodes } from './error-codes.js'
import { anchorOf, createMarkdown, headingsOf, mainHeadings, type Markdown } from './markdown.js'
import { withHeadings } from './outline.js'
import { readRoutes, type RouteEntry } from './routes.js'

/** What has a place of its own in the page. All else that is exported is in the lists at the end. */
const placed = ['errors', 'TwoFactorEvent', 'TwoFactorEventType', 'TwoFactorPolicy', ...Object.keys(withHeadings)]

/** The reference, as it is to be. */
export async function referencePage (): Promise<string> {
  const [main, ...others] = readEntryPoints()
  if (!main) throw new Error('The package has no entry point')
  const [, exports] = main
  const headings = mainHeadings(exports)
  const markdown = createMarkdown(headings)
  const { plugin, admin } = await readRoutes()
  const part = (type: string) => markdown.members(find(exports, type), withHeadings[type] ?? '')

  return [
    '<!-- Made from the docstrings by `npm run docs:reference`. Change those. -->',
    '# Reference',
    'Everything that the package exports, with what it promises, its units and its defaults. New here? ' +
    '[Getting started](getting-started.md) is shorter.',
    contents(others.map(([specifier]) => specifier)),
    '## Options',
    find(exports, 'TwoFactorOptions').text,
    'A missing, wrong or unknown option stops the registration with `FST_2FA_BAD_OPTION`, and the message says what to do.',
    indexOf(find(exports, 'TwoFactorOptions'), 'options'),
    ...part('TwoFactorOptions'),
    '## Guarded routes',
    '### config.twoFactor',
    ...markdown.alias(find(exports, 'TwoFactorPolicy')),
    '### app.requireTwoFactor',
    '`(policy?: Exclude<TwoFactorPolicy, false>): preHandlerAsyncHookHandler`',
    'The guard as a `preHandler`, for hosts that list their hooks. It does what `config.twoFactor` does; the default is `true`. ' +
    'See [Protecting routes](protecting-routes.md).',
    '## request.twoFactor',
    find(exports, 'RequestTwoFactor').text,
    indexOf(find(exports, 'RequestTwoFactor'), 'request.twoFactor'),
    ...part('RequestTwoFactor'),
    '## app.twoFactor',
    'Two-factor authentication of any user, by the id that `getUser` answers: for support staff and scripts. Guard what you build on it.',
    ...part('TwoFactorBackOffice'),
    '## Routes',
    ...routes(markdown, plugin, admin),
    '## Errors',
    ...errorTable(markdown, find(exports, 'errors')),
    '## Events',
    ...events(markdown, exports),
    '## Functions',
    ...list(markdown, exports, ({ kind }) => isCallable(kind)),
    '## Types',
    ...list(markdown, exports, ({ kind, source }) => !isCallable(kind) && source !== storage),
    ...others.flatMap(([specifier, exports]) => {
      const own = createMarkdown(new Map([...headings, ...headingsOf(specifier, exports)]))
      return [
        `## ${specifier}`,
        ...list(own, exports, ({ kind }) => isCallable(kind)),
        ...list(own, exports, ({ kind }) => !isCallable(kind))
      ].map(text => own.link(text))
    }),
    '## Storage interface',
    `${find(exports, 'TwoFactorStorage').text}\n\nOnly who writes a storage of their own needs this part.`,
    ...part('TwoFactorStorage'),
    ...list(markdown, exports, ({ kind, source }) => !isCallable(kind) && source === storage)
  ].map(text => markdown.link(text)).join('\n\n') + '\n'
}

const storage = 'storage/storage.ts'

function contents (specifiers: readonly string[]): string {
  return [
    'Options', 'Guarded routes', 'request.twoFactor', 'app.twoFactor', 'Routes', 'Errors', 'Events', 'Functions', 'Types',
    ...specifiers, 'Storage interface'
  ].map(title => `[${title}](#${anchorOf(title)})`).join(' · ')
}

function indexOf ({ members }: Documented, prefix: string): string {
  return members.map(({ name }) => `[${name}](#${anchorOf(`${prefix}.${name}`)})`).join(' · ')
}

function find (exports: Exports, name: string): Documented {
  const found = exports.get(name)
  if (!found) throw new Error(`The package does not export ${name}`)
  return found
}

function isCallable (kind: Documented['kind']): boolean {
  return kind === 'function' || kind === 'class' || kind === 'value'
}

function list (markdown: Markdown, exports: Exports, fits: (documented: Documented) => boolean): string[] {
  return [...exports]
    .filter(([exported, documented]) => !placed.includes(exported) && fits(documented))
    .sort(([a], [b]) => a.localeCompare(b, 'en'))
    .flatMap(([exported, documented]) => [
      `### ${markdown.headingOf(exported)}`, ...markdown.exported(documented)
    ])
}

function routes (markdown: Markdown, plugin: readonly RouteEntry[], admin: readonly RouteEntry[]): string[] {
  const table = (entries: readonly RouteEntry[]) => markdown.table(['', 'what it does', 'JSON body', 'JSON answer'], entries.map(
    ({ method, url, summary, body, answer }) => [`\`${method} ${url}\``, summary, code(body), answer ? `\`${answer}\`` : '']))
  return [
    'Under the default `prefix`, with every option that adds routes. A browser (`Accept: text/html`, or a form) gets pages and ' +
    'redirects from the same routes; those without a JSON answer are for browsers alone. A code may have spaces (`123 456`). ' +
    '`proofToken` and `setupToken` are there with `bearerProof()`.',
    table(plugin),
    'With `twoFactorAdmin`, here under the prefix `/admin/2fa`:',
    table(admin)
  ]
}

function code (text: string): string {
  return text === '' ? '' : `\`${text}\``
}

function errorTable (markdown: Markdown, { members }: Documented): string[] {
  const texts = new Map(members.map(({ name, text }) => [name, text]))
  const rows = errorCodes().map(({ name, code, status }) => (
    [`[\`${code}\`](troubleshooting.md#${code.toLowerCase()})`, String(status), `\`errors.${name}\``, texts.get(name) ?? '']))
  return [
    'Thrown, and answered in Fastify\'s own shape, `{ statusCode, code, error, message }`. What to do about each: ' +
    '[Troubleshooting](troubleshooting.md).',
    markdown.table(['code', 'status', 'class', ''], rows)
  ]
}

function events (markdown: Markdown, exports: Exports): string[] {
  return [
    'What `onEvent`, the diagnostics channel and the audit get. When each one comes: [Events](events.md).',
    ...markdown.exported(find(exports, 'TwoFactorEvent')),
    `\`type\` is one of ${find(exports, 'TwoFactorEventType').type.replace(/^\| /, '').split(' | ').map(type => `\`${type.slice(1, -1)}\``).join(', ')}.`
  ]
}
