import { spawn } from 'node:child_process'
import { cpSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { root } from './docs/pages.js'
import { snippet } from './docs/snippets.js'
import { walk } from './docs/walk.js'
import { emptyFolder, npm, plainEnvironment } from './helpers/registry.js'
import { HttpClient } from './helpers/process.js'

/** The tarball that would be published, built from a copy: the build folder is not this test's. */
async function pack (t: Test): Promise<string | undefined> {
  const folder = await emptyFolder(t)
  for (const name of ['plugin', 'package.json', 'tsconfig.json', 'tsconfig.build.json', 'README.md', 'LICENSE']) {
    cpSync(root + name, `${folder}/${name}`, { recursive: true })
  }
  symlinkSync(`${root}node_modules`, `${folder}/node_modules`)
  if (!await npm(t, folder, 'pack', '--silent')) return undefined
  const [tarball] = readdirSync(folder).filter(name => name.endsWith('.tgz'))
  return tarball && `${folder}/${tarball}`
}

/** Starts the host, and waits for the line that it prints. */
async function start (t: Test, folder: string): Promise<string> {
  const child = spawn(process.execPath, ['app.mjs'], { cwd: folder, env: { ...plainEnvironment(), PORT: '0' } })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const [, port] = /^http:\/\/\S+:(\d+)\n/m.exec(output) ?? []
        if (port) resolve(`http://localhost:${port}`)
      })
    }
    child.once('exit', code => reject(new Error(`It ended with ${code}: ${output}`)))
  })
}

t.test('a stranger installs the package, pastes the host of the README, and is asked for a code', async t => {
  const tarball = await pack(t)
  const folder = await emptyFolder(t)
  const [install = '', startCommand] = snippet('readme-commands').code.trim().split('\n')
  const [command, verb, own, ...others] = install.split(' ')
  t.same([command, verb, own, startCommand], ['npm', 'install', 'fastify-authenticator-2fa', 'node app.mjs'])

  const installed = tarball !== undefined && await npm(t, folder, 'init', '-y') && await npm(t, folder, 'install', tarball, ...others)
  if (!installed) return t.pass('the walk', { skip: 'There is no registry here' })
  t.match(readFileSync(`${folder}/package.json`, 'utf8'), /"fastify-authenticator-2fa": "file:/)

  writeFileSync(`${folder}/app.mjs`, snippet('readme').code)
  const origin = await start(t, folder)
  await walk(t, origin, client => client.get('/login'))

  // As a browser: from the dashboard to the login, and then to the page that asks.
  const browser = new HttpClient(origin)
  const open = (path: string) => fetch(origin + path, { redirect: 'manual', headers: { accept: 'text/html', cookie: browser.cookie } })
  t.match((await open('/dashboard')).headers.get('location'), /^\/login\?next=/)
  await browser.get('/login')
  t.match((await open('/dashboard')).headers.get('location'), /^\/2fa\/verify\?next=/)
  const page = await open('/2fa/verify')
  t.match(page, { status: 200 })
  t.match(await page.text(), 'one-time-code')

  // What it brought along is what it needs: no package of this repository's development.
  const there = readdirSync(`${folder}/node_modules/fastify-authenticator-2fa`)
  t.same(there.sort(), ['LICENSE', 'README.md', 'dist', 'package.json', 'plugin'])
})
