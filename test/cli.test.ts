import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { pinAt } from './authenticator-api/server.js'
import { runCli } from './cli/terminal.js'

const root = fileURLToPath(new URL('../', import.meta.url))

interface Run {
  readonly child: ChildProcess
  readonly stdout: () => string
  readonly stderr: () => string
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<unknown>
}

/** Runs the command line, from its sources. */
function run (t: Pick<Test, 'teardown'>, ...args: string[]): Run {
  const child = spawn(process.execPath, [
    '--import=./test/strip-types/register.js', '--conditions=@fastify-authenticator-2fa/source', 'plugin/cli.ts', ...args
  ], { cwd: root, env: process.env })
  t.teardown(() => child.kill('SIGKILL'))
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => { text.stdout += chunk })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => { text.stderr += chunk })
  const ended = once(child, 'close').then(([code, signal]: unknown[]) => code ?? signal)
  return { child, stdout: () => text.stdout, stderr: () => text.stderr, ended }
}

/** Runs what ends by itself. */
async function runToEnd (t: Pick<Test, 'teardown'>, ...args: string[]) {
  const { ended, stdout, stderr } = run(t, ...args)
  return { code: await ended, stdout: stdout(), stderr: stderr() }
}

/** Starts `serve-api` on a free port. */
async function serve (t: Pick<Test, 'teardown'>, ...args: string[]): Promise<Run & { origin: string }> {
  const started = run(t, 'serve-api', '--port', '0', ...args)
  const origin = await new Promise<string>((resolve, reject) => {
    started.child.stdout?.on('data', () => {
      const [, address] = /^AuthenticatorAPI-compatible server at (http:\/\/\S+)\n/.exec(started.stdout()) ?? []
      if (address !== undefined) resolve(address)
    })
    started.ended.then(code => reject(new Error(`It ended with ${String(code)}: ${started.stderr()}`)), reject)
  })
  return { ...started, origin }
}

async function text (url: string): Promise<string> {
  return (await fetch(url, { headers: { connection: 'close' } })).text()
}

t.test('serve-api prints where it is, pairs and validates, logs nothing, and ends on SIGTERM and SIGINT', async t => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const { child, origin, stdout, stderr, ended } = await serve(t)
    t.match(origin, /^http:\/\/127\.0\.0\.1:\d+$/)
    const html = await text(`${origin}/pair.aspx?AppName=Acme&AppInfo=ada&SecretCode=12345678BXYT`)
    t.match(html, `<a title='Manually pair with GEZDGNBVGY3TQQSYLFKA' href='${origin}'><img src='${origin}/qr.aspx?`)
    const pin = pinAt('GEZDGNBVGY3TQQSYLFKA', Date.now(), -5)
    t.equal(await text(`${origin}/Validate.aspx?Pin=${pin}&SecretCode=12345678BXYT`), 'True')
    child.kill(signal)
    t.equal(await ended, 0, signal)
    t.equal(stdout(), `AuthenticatorAPI-compatible server at ${origin}\n`)
    t.equal(stderr(), '')
  }
})

t.test('its options are the plugin\'s', async t => {
  const { origin } = await serve(t, '--tolerance', '1', '--public-url', 'https://2fa.example.com', '--rate-limit', '4')
  t.match(await text(`${origin}/pair.aspx?AppName=Acme&AppInfo=ada&SecretCode=12345678BXYT`), "href='https://2fa.example.com'")
  const pin = (steps: number) => pinAt('GEZDGNBVGY3TQQSYLFKA', Date.now(), steps)
  t.equal(await text(`${origin}/Validate.aspx?Pin=${pin(0)}&SecretCode=12345678BXYT`), 'True')
  t.equal(await text(`${origin}/Validate.aspx?Pin=${pin(-5)}&SecretCode=12345678BXYT`), 'False')
  await text(`${origin}/Validate.aspx`)
  t.equal((await fetch(`${origin}/Validate.aspx`)).status, 429)

  const unlimited = await serve(t, '--rate-limit', '0', '--trust-proxy', '127.0.0.1')
  for (let index = 0; index < 310; index++) {
    const response = await fetch(`${unlimited.origin}/Validate.aspx`)
    if (response.status !== 200) t.fail(`request ${index}: ${response.status}`)
    await response.text()
  }
  const headers = { 'x-forwarded-proto': 'https', 'x-forwarded-host': '2fa.example.org' }
  const response = await fetch(`${unlimited.origin}/pair.aspx?AppName=Acme&AppInfo=ada&SecretCode=x`, { headers })
  t.match(await response.text(), "href='https://2fa.example.org'")
})

t.test('beyond loopback it warns that it needs HTTPS', async t => {
  const { stderr, child, ended } = await serve(t, '--host', '0.0.0.0')
  child.kill('SIGTERM')
  t.equal(await ended, 0)
  t.match(stderr(), /^warning: .*HTTPS/)
})

t.test('a second signal ends it at once, also with a request under way', async t => {
  const { child, origin, ended } = await serve(t)
  const socket = await halfRequest(origin)
  t.teardown(() => socket.destroy())
  child.kill('SIGTERM')
  await refused(origin)
  child.kill('SIGINT')
  t.equal(await ended, 'SIGINT')
})

/** A request that never comes to its end. */
async function halfRequest (origin: string): Promise<Socket> {
  const { port } = new URL(origin)
  const socket = connect(Number(port), '127.0.0.1')
  socket.on('error', () => {})
  socket.write('POST /api.asmx/Pair HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n')
  // What says that the request has begun.
  await once(socket, 'data')
  return socket
}

/** Waits until nothing listens there any more. */
async function refused (origin: string): Promise<void> {
  const { port } = new URL(origin)
  for (;;) {
    const socket = connect(Number(port), '127.0.0.1')
    const open = await once(socket, 'connect').then(() => true, () => false)
    socket.destroy()
    if (!open) return
  }
}

t.test('a port in use and an address of another machine end it with 1, and say which option helps', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const taken = await runCli(['serve-api', '--port', String(port)])
  t.equal(taken.code, 1)
  t.equal(taken.stderr, `error: port ${port} of 127.0.0.1 is in use. Choose another one with --port\n`)
  t.equal(taken.stdout, '')
  // Of a block that is for documentation (RFC 5737).
  t.match(await runCli(['serve-api', '--port', '0', '--host', '192.0.2.1']), { code: 1, stderr: /--host/ })
})

t.test('what cannot be understood ends it with 2', async t => {
  await Promise.all([
    ['serve-api', '--nope'], ['nope'], [], ['serve-api', '--port'], ['serve-api', '--port', 'x'], ['serve-api', '--port', '65536'], ['serve-api', '--tolerance', '11'],
    ['serve-api', '--tolerance=-1'], ['serve-api', 'more'], ['serve-api', '--rate-limit', '1.5'], ['serve-api', '--port', '0', '--public-url', 'example.com']
  ].map(async args => {
    const { code, stderr, stdout } = await runCli(args)
    t.equal(code, 2, args.join(' '))
    t.match(stderr, args.length === 0 ? /Usage:/ : /^error: /)
    t.equal(stdout, '')
  }))
})

t.test('it tells its version and its commands', async t => {
  t.match(await runToEnd(t, 'serve-api', '--nope'), { code: 2, stderr: /^error: / }, 'also as a process of its own')
  const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8')) as { version: string }
  t.match(await runCli(['--version']), { code: 0, stdout: `${version}\n` })
  t.match(await runCli(['--help']), { code: 0, stdout: /serve-api/ })
  t.match(await runCli(['serve-api', '--help']), { code: 0, stdout: /--port <number>[\s\S]*--public-url/ })
})
