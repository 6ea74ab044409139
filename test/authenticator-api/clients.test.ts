import { execFile, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { buildServer, pinAt, type ServerOptions } from './server.js'

// In CI they must be there.
const withoutPython = spawnSync('python3', ['--version']).status !== 0 && process.env.CI !== 'true'
  ? 'There is no python3 here: install it'
  : false

async function listen (t: Test, options: ServerOptions): Promise<string> {
  const app = await buildServer(t, { clock: Date.now, ...options })
  return await app.listen({ host: '127.0.0.1', port: 0 }) + (options.prefix ?? '')
}

t.test('a Python client of the public service works with another base URL', { skip: withoutPython }, async t => {
  const script = fileURLToPath(new URL('./guide_client.py', import.meta.url))
  for (const options of [{}, { prefix: '/authenticator' }, { tolerance: 1 }]) {
    const { stdout } = await promisify(execFile)('python3', [script, await listen(t, options)], { timeout: 60_000 })
    t.equal(stdout.trim(), 'paired and validated')
  }
})

/** A client as the public service's guide for Node.js has it: a base URL and two functions. */
function createClient (base: string) {
  async function call (page: string, parameters: Record<string, string>) {
    const response = await fetch(`${base}/${page}?${new URLSearchParams(parameters).toString()}`)
    if (!response.ok) throw new Error(`${page} answered ${response.status}`)
    return response.text()
  }
  return {
    pair: (AppName: string, AppInfo: string, SecretCode: string) => call('pair.aspx', { AppName, AppInfo, SecretCode }),
    async validate (Pin: string, SecretCode: string) {
      return (await call('Validate.aspx', { Pin, SecretCode })).trim().toLowerCase() === 'true'
    }
  }
}

t.test('a fetch client of the public service works with another base URL', async t => {
  for (const options of [{}, { prefix: '/authenticator' }, { tolerance: 1 }]) {
    const client = createClient(await listen(t, options))
    const secret = randomBytes(16).toString('hex')
    const html = await client.pair('My App', 'john@example.com', secret)
    const key = html.split("title='Manually pair with ")[1]?.split("'")[0] ?? ''
    const image = await fetch(html.split("src='")[1]?.split("'")[0] ?? '')
    t.match(image, { status: 200, redirected: false })
    t.equal(image.headers.get('content-type'), 'image/png')

    const near = Array.from({ length: 23 }, (_, index) => pinAt(key, Date.now(), index - 11))
    const wrong = ['000000', '111111', '222222', '333333', '444444'].find(pin => !near.includes(pin)) ?? ''
    t.equal(await client.validate(pinAt(key, Date.now()), secret), true)
    t.equal(await client.validate(wrong, secret), false)
    t.equal(await client.validate(pinAt(key, Date.now()), `${secret}x`), false)
    await t.rejects(client.validate(wrong, 'секрет'), { message: 'Validate.aspx answered 400' })
  }
})
