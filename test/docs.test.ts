import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TOTP } from 'otpauth'
import t from 'tap'
import ts from 'typescript'
import { resolveOptions as resolveServerOptions } from '../plugin/authenticator-api/options.js'
import * as errors from '../plugin/errors.js'
import { resolveOptions } from '../plugin/options.js'
import { resolveApiOptions } from '../plugin/verifiers/authenticator-api/options.js'
import { buildHost } from './helpers/host.js'
import { freePort, startPostgres } from './helpers/postgres.js'
import { HttpClient } from './helpers/process.js'

const root = fileURLToPath(new URL('../', import.meta.url))
const pages = ['README.md', ...readdirSync(join(root, 'docs')).filter(name => name.endsWith('.md')).map(name => `docs/${name}`)]
const text = Object.fromEntries(pages.map(page => [page, readFileSync(join(root, page), 'utf8')]))
const readme = text['README.md'] ?? ''

interface Snippet {
  readonly page: string
  readonly tag: string
  readonly file: string
}

// Inside the package, so that a snippet imports it by its name as a host would.
const folder = join(root, '.tap', 'snippets')
const snippets: Snippet[] = []

t.before(() => {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  for (const page of pages) {
    for (const [, tag = '', code = ''] of (text[page] ?? '').matchAll(/^```ts *(\w*)\n(.*?)^```/gms)) {
      const file = join(folder, `${snippets.length}-${page.replace(/\W+/g, '-')}.ts`)
      writeFileSync(file, code)
      snippets.push({ page, tag, file })
    }
  }
})

t.test('every snippet compiles, each as a file of its own', async t => {
  const config = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, {
    ...ts.sys, onUnRecoverableConfigFileDiagnostic: diagnostic => { throw new Error(String(diagnostic.messageText)) }
  })
  t.ok(snippets.length > 8)
  const options = { ...config?.options, noUnusedLocals: false, noUnusedParameters: false }
  const host = ts.createCompilerHost(options)
  const parsed = new Map<string, ts.SourceFile | undefined>()
  const { getSourceFile } = host
  host.getSourceFile = (name, ...rest) => {
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, ...rest))
    return parsed.get(name)
  }
  // A host that uses a part has registered the rest elsewhere.
  const elsewhere = join(folder, 'elsewhere.ts')
  writeFileSync(elsewhere, "import '@fastify/session'\nimport 'fastify-authenticator-2fa'\n")
  // Those that augment the types of Fastify do so each in its own way, and cannot share a program; the others can.
  const [alone, together] = [true, false].map(augments =>
    snippets.filter(({ file }) => /declare (?:module|global)/.test(readFileSync(file, 'utf8')) === augments))
  for (const group of [together ?? [], ...(alone ?? []).map(snippet => [snippet])]) {
    const program = ts.createProgram([...group.map(({ file }) => file), elsewhere], options, host)
    for (const { page, file } of group) {
      const source = program.getSourceFile(file)
      const problems = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
      t.same(problems.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n')), [], `${page}: ${file}`)
    }
  }
})

t.test('the host of the README runs as it stands, and asks for a code', async t => {
  const server = await startPostgres(t)
  const port = await freePort()
  const { file = '' } = snippets.find(({ tag }) => tag === 'host') ?? {}
  const child = fork(file, {
    env: {
      ...process.env,
      DATABASE_URL: await server.createDatabase(),
      SESSION_SECRET: randomBytes(32).toString('hex'),
      TWO_FACTOR_KEY: randomBytes(32).toString('base64'),
      PORT: String(port)
    }
  })
  t.teardown(() => child.kill('SIGKILL'))
  const client = new HttpClient(`http://127.0.0.1:${port}`)
  await untilUp(client)

  t.match(await client.get('/dashboard'), { status: 401 })
  await client.post('/login', { name: 'ada' })
  t.match(await client.get('/dashboard'), { status: 200 })
  const secret = String((await client.post('/2fa/setup')).body.secret)
  t.match(await client.post('/2fa/setup/confirm', { code: new TOTP({ secret }).generate() }), { status: 200 })

  const second = new HttpClient(client.origin)
  await second.post('/login', { name: 'ada' })
  t.match(await second.get('/dashboard'), { status: 403, body: { code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' } })
  const timestamp = Date.now() + 30_000
  t.match(await second.post('/2fa/verify', { code: new TOTP({ secret }).generate({ timestamp }) }), { status: 200 })
  t.match(await second.get('/dashboard'), { status: 200 })
})

async function untilUp (client: HttpClient): Promise<void> {
  for (;;) {
    try {
      await client.get('/')
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

t.test('the README lists every error code, and no other', async t => {
  const samples = Object.values(errors).map(ErrorClass => {
    const { code } = new (ErrorClass as new (...given: unknown[]) => { code: string })('', '')
    return code
  })
  t.same([...new Set(readme.match(/FST_2FA_\w+/g))].sort(), [...samples].sort())
})

t.test('the README lists every option with its default, and no other', async t => {
  const table = readme.slice(readme.indexOf('## Options'), readme.indexOf('## Routes'))
  // `verifiers` is what becomes of the option `verifier`.
  const { verifiers: _, ...resolved } = resolveOptions({
    issuer: 'Acme', storage: { claimAttempt () {} } as never, encryptionKeys: [], getUser: () => null
  })
  t.same(optionsOf(table), Object.keys(resolved).sort())
  for (const name of ['setupTtl', 'recoveryCodes', 'maxAuthenticators', 'stepUpMaxAge', 'passTtl', 'revalidate', 'storageTimeout', 'window'] as const) {
    t.equal(defaultOf(table, name), resolved[name], name)
  }
})

/** What a table lists in its first column. */
function optionsOf (table: string): string[] {
  return [...table.matchAll(/^\| (`.*?`) \| /gm)].flatMap(([, names = '']) => names.match(/\w+/g) ?? []).sort()
}

t.test('the page on AuthenticatorAPI.com lists the options of both ends, with their defaults', async t => {
  const [client = '', server = ''] = (text['docs/authenticator-api.md'] ?? '').split('| option | default | |').slice(1)
    .map(rest => rest.slice(0, rest.indexOf('\n\n')))
  const { origin: _, path: __, ...ofClient } = resolveApiOptions({ url: 'https://www.authenticatorapi.com' })
  t.same(optionsOf(client), ['allowHttp', 'url', ...Object.keys(ofClient)].sort())
  for (const name of ['timeout', 'connections', 'tolerance'] as const) t.equal(defaultOf(client, name), ofClient[name], name)

  const ofServer = resolveServerOptions({})
  t.same(optionsOf(server), Object.keys(ofServer).sort())
  t.equal(defaultOf(server, 'tolerance'), ofServer.tolerance)
})

function defaultOf (table: string, name: string): number {
  const [, value = ''] = new RegExp(`^\\| \`${name}\` \\| \`(\\d[\\d_]*)\``, 'm').exec(table) ?? []
  return Number(value.replaceAll('_', ''))
}

t.test('the README lists every route, and no other', async t => {
  const routes = new Set<string>()
  await buildHost(t, {
    trustedDevices: true,
    before: app => app.addHook('onRoute', ({ method, url }) => {
      if (url.startsWith('/2fa')) for (const verb of [method].flat()) if (verb !== 'HEAD') routes.add(`${verb} ${url}`)
    })
  })
  if (routes.delete('GET /2fa')) routes.add('GET /2fa/')
  const section = readme.slice(readme.indexOf('## Routes'), readme.indexOf('## Errors'))
  t.same([...new Set(section.match(/(?:GET|POST|PATCH|DELETE) \/2fa[\w/:.-]*/g))].sort(), [...routes].sort())
})

t.test('every link to a file of the repository leads somewhere', async t => {
  for (const page of pages) {
    for (const [, target = ''] of (text[page] ?? '').matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      if (!target.startsWith('https://')) t.ok(existsSync(resolve(root, dirname(page), target)), `${page} links to ${target}`)
    }
  }
})
