import { spawn, type ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TOTP } from 'otpauth'
import t, { type Test } from 'tap'
import { demoAccount } from '../../demo/accounts.js'
import { readConfig } from '../../demo/config.js'
import { openBrowser } from '../../demo/open-browser.js'
import { createPasswords } from '../../demo/passwords.js'
import { terminalLink } from '../../demo/terminal-link.js'
import { freePort, startPostgres } from '../helpers/postgres.js'

interface Running {
  readonly child: ChildProcess
  readonly origin: string
  readonly output: () => string
}

/** `npm start --`, with these arguments and this environment alone. */
function launch (
  t: Test, env: Record<string, string>, args: string[] = []
): { child: ChildProcess, output: () => string } {
  const { PATH = '', NODE_V8_COVERAGE } = process.env
  const child = spawn(process.execPath, [
    '--liftoff-only', '--import=./test/strip-types/register.js', '--conditions=@fastify-authenticator-2fa/source',
    'demo/main.ts', ...args
  ], { env: { PATH, ...(NODE_V8_COVERAGE && { NODE_V8_COVERAGE }), ...env } })
  t.teardown(() => child.kill('SIGKILL'))
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk: string) => { text += chunk })
  return { child, output: () => text }
}

async function start (t: Test, env: Record<string, string>, args?: string[]): Promise<Running> {
  const PORT = String(await freePort())
  const { child, output } = launch(t, { ...env, PORT }, args)
  await new Promise<void>((resolve, reject) => {
    child.stdout?.on('data', () => { if (output().includes('Stop it')) resolve() })
    child.once('exit', code => reject(new Error(`It ended with ${code}: ${output()}`)))
  })
  return { child, output, origin: `http://127.0.0.1:${PORT}` }
}

/** Starts what must not start. */
async function fail (t: Test, env: Record<string, string>, args?: string[]): Promise<{ code: number, output: string }> {
  const { child, output } = launch(t, env, args)
  const [code] = await once(child, 'exit') as [number]
  return { code, output: output() }
}

async function stop ({ child }: Running, signal: 'SIGTERM' | 'SIGINT'): Promise<unknown> {
  child.kill(signal)
  const [code] = await once(child, 'exit') as [number | null]
  return code
}

function folder (t: Test): string {
  const path = mkdtempSync(join(tmpdir(), 'two-factor-demo-'))
  t.teardown(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** A program in the place of the one that opens browsers. It writes down what it is given. */
function fakeOpener (t: Test): { path: string, opened: () => string | undefined } {
  const path = folder(t)
  const file = join(path, 'opened')
  for (const name of ['xdg-open', 'open']) {
    writeFileSync(join(path, name), `#!/bin/sh\nprintf '%s\\n' "$@" > "${file}.part"\nexec ${process.execPath} -e 'fs.renameSync("${file}.part", "${file}")'\n`, { mode: 0o755 })
  }
  return { path, opened: () => existsSync(file) ? readFileSync(file, 'utf8') : undefined }
}

async function until (condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 20))
}

function form (origin: string, path: string, fields: Record<string, string>, cookie = ''): Promise<Response> {
  return fetch(`${origin}${path}`, {
    method: 'POST', body: new URLSearchParams(fields), headers: { origin, cookie, accept: 'text/html' }, redirect: 'manual'
  })
}

const cookieOf = (response: Response) => response.headers.getSetCookie().at(-1)?.split(';', 1)[0] ?? ''

t.test('it starts with nothing set, keeps sessions and enrolments over a restart, and stops cleanly', async t => {
  const env = { DEMO_DATA: folder(t) }
  const first = await start(t, { ...env, PATH: folder(t) }, ['--open'])
  t.match(first.output(), /In production set DATABASE_URL, TWO_FACTOR_KEYS, SESSION_SECRET/)
  t.match(first.output(), new RegExp(demoAccount.email))
  t.match(first.output(), /checked in this process\.\n.*npm start -- --verifier=api/)
  t.equal(statSync(join(env.DEMO_DATA, 'keys.json')).mode & 0o077, 0, 'the keys are for this user alone')

  const signedIn = await form(first.origin, '/sign-in', { ...demoAccount, next: '//evil.example' })
  t.equal(signedIn.headers.get('location'), '/dashboard', 'next stays on this site')
  t.match(signedIn.headers.getSetCookie().at(-1), /HttpOnly.*SameSite=Lax|SameSite=Lax.*HttpOnly/i)
  const cookie = cookieOf(signedIn)
  t.match(await (await fetch(`${first.origin}/dashboard`, { headers: { cookie } })).text(), /Your balance/)
  await until(() => first.output().includes('No browser was opened'))
  t.match(first.output(), /No browser was opened \(spawn xdg-open ENOENT\): open http:\S+ yourself/, 'it goes on without')
  t.notMatch(first.output(), '\u001b', 'no links where nobody would see them')
  t.equal(await stop(first, 'SIGTERM'), 0)

  t.notOk(existsSync(join(env.DEMO_DATA, 'lock')), 'the folder is free again')

  const opener = fakeOpener(t)
  const second = await start(t, { ...env, PATH: opener.path, FORCE_HYPERLINK: '1' }, ['--verifier=api', '--open'])
  await until(() => opener.opened() !== undefined)
  t.equal(opener.opened(), `${second.origin}\n`, 'the browser is given the address alone')
  t.match(second.output(), `\u001b]8;;${second.origin}/how-to\u001b\\${second.origin}/how-to\u001b]8;;\u001b\\`)
  const [where = '', url = ''] = /checked by the AuthenticatorAPI-compatible server at (http:\/\/127\.0\.0\.1:\d+)\./.exec(second.output()) ?? []
  t.match(await (await fetch(second.origin)).text(), where, 'the pages say it too')
  t.equal(await (await fetch(`${url}/Validate.aspx?Pin=000000&SecretCode=12345678BXYT`)).text(), 'False')
  const third = await fail(t, { ...env, PORT: '0' })
  t.match(third, { code: 1, output: /runs already, as process \d+/ }, 'two processes would lose what one of them wrote')
  const elsewhere = await fail(t, { DEMO_DATA: folder(t), PORT: new URL(second.origin).port })
  t.match(elsewhere, { code: 1, output: /another program uses this port/ })
  t.notMatch(elsewhere.output, / at .*:\d+:\d+/, 'no stack trace')
  t.match(await (await fetch(`${second.origin}/dashboard`, { headers: { cookie } })).text(), /Your balance/)

  const wrong = await form(second.origin, '/sign-in', { ...demoAccount, password: 'wrong' })
  const unknown = await form(second.origin, '/sign-in', { email: 'demo@example.con', password: 'wrong' })
  t.same([wrong.status, unknown.status], [401, 401])
  t.equal((await wrong.text()).replaceAll(demoAccount.email, ''), (await unknown.text()).replaceAll('demo@example.con', ''))
  const forged = await fetch(`${second.origin}/sign-out`, { method: 'POST', headers: { cookie, 'sec-fetch-site': 'cross-site' } })
  t.equal(forged.status, 403, 'another site cannot sign anybody out')
  t.equal((await form(second.origin, '/sign-out', {}, cookie)).status, 303)
  const after = await fetch(`${second.origin}/dashboard`, { headers: { cookie, accept: 'text/html' }, redirect: 'manual' })
  t.equal(after.headers.get('location'), '/sign-in?next=%2Fdashboard')
  t.equal(await stop(second, 'SIGINT'), 0)
  await t.rejects(fetch(url), 'the server beside it has ended as well')
})

t.test('on PostgreSQL, a client of the API enrols and passes without cookies', async t => {
  const postgres = await startPostgres(t)
  const { origin } = await start(t, {
    DATABASE_URL: await postgres.createDatabase(),
    TWO_FACTOR_KEYS: `${randomBytes(32).toString('base64')}, ${randomBytes(32).toString('base64')}`,
    SESSION_SECRET: randomBytes(32).toString('hex')
  })
  const call = async (path: string, body?: object, headers: Record<string, string> = {}) => {
    const response = await fetch(`${origin}/api${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) })
    })
    return { status: response.status, body: await response.json() as Record<string, string> }
  }

  t.match(await call('/token', { ...demoAccount, password: 'wrong' }), { status: 401 })
  const { body: { token } } = await call('/token', demoAccount)
  const bearer = { authorization: `Bearer ${token}` }
  t.match(await call('/me', undefined, bearer), { status: 200, body: { email: demoAccount.email } })

  const { body: { secret, setupToken } } = await call('/2fa/setup', {}, bearer)
  const code = new TOTP({ secret: secret ?? '' }).generate()
  const confirmed = await call('/2fa/setup/confirm', { code, setupToken }, bearer)
  t.match(confirmed, { status: 200, body: { enabled: true } })

  t.match(await call('/me', undefined, bearer), { status: 403, body: { code: 'FST_2FA_REQUIRED', verifyUrl: '/api/2fa/verify' } })
  const passed = { ...bearer, 'two-factor-proof': confirmed.body.proofToken ?? '' }
  t.match(await call('/me', undefined, passed), { status: 200 })
  t.match(await call('/transfer', { to: 'Bob', amount: 5 }, passed), { status: 200, body: { sent: 5 } })

  const { body: { token: other } } = await call('/token', demoAccount)
  const mixed = { ...passed, authorization: `Bearer ${other}` }
  t.match(await call('/me', undefined, mixed), { status: 403 }, 'the proof is worth nothing beside another token')
})

t.test('the checker is this process, the server beside it, or the one that AUTHENTICATOR_API_URL names', async t => {
  const env = { DEMO_DATA: folder(t) }
  t.match(readConfig(env), { verifier: 'local', authenticatorApiUrl: undefined })
  t.match(readConfig(env, ['--verifier=local']), { verifier: 'local' })
  t.match(readConfig(env, ['--verifier', 'api']), { verifier: 'api', authenticatorApiUrl: undefined })
  for (const url of [
    'https://www.authenticatorapi.com', 'http://localhost:8080/authenticator', 'http://127.0.0.1:1', 'http://[::1]:1'
  ]) {
    t.equal(readConfig({ ...env, AUTHENTICATOR_API_URL: url }, ['--verifier=api']).authenticatorApiUrl, url)
  }
})

t.test('a guide and a panel stand beside the pages, but in production or where they are told not to', async t => {
  const env = { DEMO_DATA: folder(t) }
  const production = {
    ...env, NODE_ENV: 'production', DATABASE_URL: 'postgres://localhost/x', TWO_FACTOR_KEYS: 'x', SESSION_SECRET: 'x'.repeat(32)
  }
  for (const [given, args, panel] of [
    [env, [], true], [env, ['--plain'], false], [{ ...env, DEMO_PANEL: 'off' }, [], false], [{ ...env, DEMO_PANEL: 'on' }, ['--plain'], false],
    [production, [], false], [{ ...production, DEMO_PANEL: 'on' }, [], true]
  ] as const) t.match(readConfig(given, args), { panel, open: false })
  t.match(readConfig(env, ['--open']), { open: true, panel: true })
})

t.test('an address is a link where the terminal is known to make one of it', async t => {
  const address = 'http://127.0.0.1:3000'
  const link = `\u001b]8;;${address}\u001b\\${address}\u001b]8;;\u001b\\`
  for (const env of [
    { WT_SESSION: 'x' }, { KONSOLE_VERSION: '230000' }, { TERM_PROGRAM: 'iTerm.app' }, { TERM_PROGRAM: 'vscode' },
    { TERM: 'xterm-kitty' }, { VTE_VERSION: '7402' }
  ]) {
    t.equal(terminalLink(address, { isTTY: true, env }), link, JSON.stringify(env))
    t.equal(terminalLink(address, { isTTY: false, env }), address, 'not in a file')
    t.equal(terminalLink(address, { isTTY: true, env: { ...env, CI: '1' } }), address, 'nor in CI')
    t.equal(terminalLink(address, { isTTY: true, env: { ...env, FORCE_HYPERLINK: '0' } }), address)
  }
  for (const env of [{}, { TERM: 'dumb', WT_SESSION: 'x' }, { TERM: 'xterm-256color' }, { VTE_VERSION: '4205' }]) {
    t.equal(terminalLink(address, { isTTY: true, env }), address, JSON.stringify(env))
  }
  t.equal(terminalLink(address, { env: { FORCE_HYPERLINK: '1' } }), link)
})

t.test('a browser that ends with an error is told of, on every system', async t => {
  const { PATH = '' } = process.env
  const path = folder(t)
  t.teardown(() => { process.env.PATH = PATH })
  for (const name of ['xdg-open', 'open', 'cmd']) writeFileSync(join(path, name), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
  process.env.PATH = path
  for (const [platform, command] of [['linux', 'xdg-open'], ['darwin', 'open'], ['win32', 'cmd']] as const) {
    let told = ''
    openBrowser('http://127.0.0.1:1', reason => { told = reason }, platform)
    await until(() => told !== '')
    t.equal(told, `${command} ended with 3`)
  }
})

t.test('passwords are hashed as OWASP wants it, and those of nobody take as long', async t => {
  const { hash, check } = createPasswords()
  const stored = await hash('a password')
  t.match(stored, /^scrypt\$131072\$8\$1\$/)
  t.ok(await check('a password', stored))
  t.notOk(await check('a passwort', stored))
  t.notOk(await createPasswords(2 ** 10).check('a password', undefined))
  t.ok(await createPasswords(2 ** 10).check('a password', stored), 'with the cost that it was hashed with')
})

t.test('a wrong environment or argument is refused with what to do', async t => {
  const data = { DEMO_DATA: folder(t) }
  const url = 'postgres://postgres@127.0.0.1:1/none'
  const key = randomBytes(32).toString('base64')
  const cases: Array<[env: Record<string, string>, message: RegExp]> = [
    [{ DATABASE_URL: url }, /TWO_FACTOR_KEYS is missing: .*randomBytes/],
    [{ DATABASE_URL: url, TWO_FACTOR_KEYS: key }, /SESSION_SECRET is missing/],
    [{ NODE_ENV: 'production' }, /DATABASE_URL is missing/],
    [{ DATABASE_URL: 'mysql://x', TWO_FACTOR_KEYS: key, SESSION_SECRET: 'x'.repeat(32) }, /DATABASE_URL must look like/],
    [{ SESSION_SECRET: 'short' }, /SESSION_SECRET is too short/],
    [{ PORT: 'http' }, /PORT must be a number/],
    [{ DEMO_PANEL: 'yes' }, /DEMO_PANEL must be on or off/],
    ...['nonsense', '10.0.0.0/33', '1', 'loopback,'].map((TRUST_PROXY): [Record<string, string>, RegExp] => [
      { NODE_ENV: 'production', DATABASE_URL: url, TWO_FACTOR_KEYS: key, SESSION_SECRET: 'x'.repeat(32), TRUST_PROXY }, /TRUST_PROXY must be/
    ]),
    [{ DEMO_DATA: '/dev/null/folder' }, /data folder cannot be used/]
  ]
  for (const [env, message] of cases) t.throws(() => readConfig({ ...data, ...env }), { message }, message.source)

  for (const AUTHENTICATOR_API_URL of [
    'www.authenticatorapi.com', 'ftp://127.0.0.1', 'http://www.authenticatorapi.com', 'http://127.0.0.1.example.com',
    'https://user:password@example.com', 'https://example.com/?SecretCode='
  ]) {
    const refused = { message: /^AUTHENTICATOR_API_URL must be/ }
    t.throws(() => readConfig({ ...data, AUTHENTICATOR_API_URL }), refused, AUTHENTICATOR_API_URL)
  }
  for (const args of [['--verifier=remote'], ['--verifier='], ['--verifier'], ['--checker=api'], ['api']]) {
    t.throws(() => readConfig(data, args), { message: /Say --verifier=local .* or --verifier=api/ }, args.join())
  }
  const misspelt = await fail(t, data, ['--verifier=remote'])
  t.match(misspelt, { code: 1, output: /^Say --verifier=local/ })

  const unreachable = await fail(t, { ...data, DATABASE_URL: url, TWO_FACTOR_KEYS: key, SESSION_SECRET: 'x'.repeat(32) })
  t.match(unreachable, { code: 1, output: /DATABASE_URL cannot be opened/ })
  for (const damage of ['{"encryptionKeys":', '{}', 'null']) {
    const broken = folder(t)
    writeFileSync(join(broken, 'keys.json'), damage)
    t.throws(() => readConfig({ DEMO_DATA: broken }), { message: /keys\.json is damaged/ }, damage)
  }
  const weak = await fail(t, { ...data, TWO_FACTOR_KEYS: 'secret' })
  t.match(weak, { code: 1, output: /encryptionKeys.*crypto\.randomBytes/ })
  t.notMatch(weak.output, / at .*\.ts:/, 'no stack trace')
})
