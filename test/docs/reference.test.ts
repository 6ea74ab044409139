import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { resolveOptions as resolveServerOptions } from '../../plugin/authenticator-api/options.js'
import { resolveOptions } from '../../plugin/options.js'
import { resolveApiOptions } from '../../plugin/verifiers/authenticator-api/options.js'
import { buildHost } from '../helpers/host.js'
import { pageText, pages, root, section } from './pages.js'
import { readEntryPoints } from './reference/declarations.js'
import { errorCodes } from './reference/error-codes.js'
import { withHeadings } from './reference/outline.js'
import { referencePage } from './reference/page.js'
import { readRoutes } from './reference/routes.js'

const reference = pageText('docs/reference.md')

t.test('the reference is what `npm run docs:reference` makes of the docstrings', async t => {
  // Line by line: the whole page is no help in a report.
  const [made, kept] = [await referencePage(), reference].map(text => text.split('\n'))
  const stale = made?.findIndex((line, index) => line !== kept?.[index]) ?? 0
  t.equal(stale, -1, `line ${stale + 1} is stale: run npm run docs:reference`)
  t.equal(kept?.length, made?.length)
})

t.test('every option, method and error has its docstring', async t => {
  const [main] = readEntryPoints().values()
  for (const name of Object.keys(withHeadings)) {
    const members = main?.get(name)?.members ?? []
    t.not(members.length, 0, name)
    for (const member of members) t.not(member.text + member.throws.length, '0', `${name}.${member.name}`)
  }
  for (const member of main?.get('errors')?.members ?? []) t.not(member.text, '', member.name)
})

t.test('the reference has every option once, with its default', async t => {
  // `verifiers` is what becomes of the option `verifier`.
  const { verifiers: _, ...resolved } = resolveOptions({
    issuer: 'Acme', storage: { claimAttempt () {} } as never, encryptionKeys: [], getUser: () => null
  })
  const headings = [...reference.matchAll(/^### options\.(\w+)$/gm)].map(([, name = '']) => name)
  // The keys are not kept.
  t.same(headings.sort(), [...Object.keys(resolved), 'encryptionKeys'].sort())

  let numbers = 0
  for (const [name, value] of Object.entries(resolved)) {
    if (typeof value !== 'number') continue
    numbers++
    const [, written = ''] = /Default is `?([\d_]+)/.exec(section('docs/reference.md', `### options.${name}`)) ?? []
    t.equal(Number(written.replaceAll('_', '')), value, name)
  }
  t.ok(numbers > 8)
})

t.test('the reference has every route once', async t => {
  const routes = new Set<string>()
  await buildHost(t, {
    trustedDevices: true,
    before: app => app.addHook('onRoute', ({ method, url }) => {
      if (url.startsWith('/2fa')) for (const verb of [method].flat()) if (verb !== 'HEAD') routes.add(`${verb} ${url}`)
    })
  })
  if (routes.delete('GET /2fa')) routes.add('GET /2fa/')
  const listed = section('docs/reference.md', '## Routes').match(/^\| `(?:GET|POST|PATCH|DELETE) \/2fa[^`]*`/gm) ?? []
  t.same(listed.map(cell => cell.slice(3, -1)).sort(), [...routes].sort())
})

t.test('the reference has every error code once, and troubleshooting says what to do about each', async t => {
  const codes = errorCodes().map(({ code }) => code).sort()
  t.same((section('docs/reference.md', '## Errors').match(/^\| \[`FST_2FA_\w+`/gm) ?? []).map(cell => cell.slice(4, -1)).sort(), codes)

  const page = pageText('docs/troubleshooting.md')
  t.same([...page.matchAll(/^### (FST_2FA_\w+)$/gm)].map(([, code = '']) => code).sort(), codes)
  for (const { code, status, message } of errorCodes()) {
    const text = section('docs/troubleshooting.md', `### ${code}`)
    for (const part of ['**Seen**', '**Check**']) t.match(text, part, code)
    t.match(text, new RegExp(`^${status}\\b`, 'm'), `${code} says its status`)
    if (!message.includes('""') && !message.endsWith(':')) t.ok(text.includes(`"${message}"`), `${code} says its message: ${message}`)
  }
  const elsewhere = [...pages].flatMap(([page, text]) => (text.match(/\bFST_2FA_[A-Z_]*[A-Z]\b/g) ?? [])
    .filter(code => !codes.includes(code)).map(code => `${page}: ${code}`))
  t.same(elsewhere, [], 'no page names a code that there is not')
})

t.test('what the page on security names as shown by a test is a test, with cases of these names', async t => {
  const cited = [...pageText('docs/security.md').matchAll(/`(test\/[\w/-]+\.test\.ts)`(?: \(((?:[A-Z]\d+(?:, )?)+)\))?/g)]
  t.ok(cited.length > 40)
  for (const [, file = '', cases] of cited) {
    const text = existsSync(root + file) ? readFileSync(root + file, 'utf8') : ''
    t.not(text, '', file)
    for (const name of cases?.split(', ') ?? []) t.match(text, new RegExp(`['\`]${name}\\b`), `${file} has ${name}`)
  }
})

t.test('the page on events has every type of event', async t => {
  const [main] = readEntryPoints().values()
  const types = main?.get('TwoFactorEventType')?.type.match(/(?<=')[a-z-]+(?=')/g) ?? []
  t.ok(types.length > 20)
  const table = pageText('docs/events.md').match(/^\| `.*$/gm)?.map(row => row.split('|')[1]).join(' ') ?? ''
  t.same((table.match(/(?<=`)[a-z-]+(?=`)/g) ?? []).sort(), [...types].sort())
})

t.test('the page on AuthenticatorAPI.com lists the options of both ends, with their defaults', async t => {
  const [client = '', server = ''] = pageText('docs/authenticator-api.md').split('| option | default | |').slice(1)
    .map(rest => rest.slice(0, rest.indexOf('\n\n')))
  const { origin: _, path: __, ...ofClient } = resolveApiOptions({ url: 'https://www.authenticatorapi.com' })
  t.same(optionsOf(client), ['allowHttp', 'url', ...Object.keys(ofClient)].sort())
  for (const name of ['timeout', 'connections', 'tolerance'] as const) t.equal(defaultOf(client, name), ofClient[name], name)

  const ofServer = resolveServerOptions({})
  t.same(optionsOf(server), Object.keys(ofServer).sort())
  t.equal(defaultOf(server, 'tolerance'), ofServer.tolerance)
})

t.test('the page on the back office has every route of it', async t => {
  const { admin } = await readRoutes()
  const listed = pageText('docs/back-office.md').match(/^\| `(?:GET|POST) [^`]*`/gm)?.map(cell => cell.slice(3, -1))
  t.same(listed?.sort(), admin.map(({ method, url }) => `${method} ${url.slice('/admin/2fa'.length)}`).sort())
})

/** What a table lists in its first column. */
function optionsOf (table: string): string[] {
  return [...table.matchAll(/^\| (`.*?`) \| /gm)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []).sort()
}

function defaultOf (table: string, name: string): number {
  const [, value = ''] = new RegExp(`^\\| \`${name}\` \\| \`(\\d[\\d_]*)\``, 'm').exec(table) ?? []
  return Number(value.replaceAll('_', ''))
}
