import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import t from 'tap'
import { buildServer } from '../authenticator-api/server.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { emptyFolder, run } from '../helpers/registry.js'
import { root } from './pages.js'
import { snippet } from './snippets.js'

const keys = { old: randomBytes(32).toString('base64'), new: randomBytes(32).toString('base64') }

// One folder and one database for all of them: a reader runs one after another too.
const place = (async () => {
  const folder = await emptyFolder(t)
  const server = await startPostgres(t)
  mkdirSync(`${folder}/bin`)
  const program = (name: string, text: string) => {
    writeFileSync(`${folder}/bin/${name}`, `#!/bin/bash\n${text}\n`)
    chmodSync(`${folder}/bin/${name}`, 0o755)
  }
  // The package is not installed here: this is it.
  program('npx', `[ "$1" = fastify-authenticator-2fa ] && shift
exec node --import=${root}test/strip-types/register.js --conditions=@fastify-authenticator-2fa/source ${root}plugin/cli.ts "$@"`)
  return { folder, program, url: await server.createDatabase() }
})()

/** Gives a snippet to a shell that stops at the first failure. */
async function shell (name: string, code = snippet(name).code) {
  const { folder, url } = await place
  return run('bash', ['--norc', '-euo', 'pipefail', '-c', code], folder, {
    PATH: `${folder}/bin:${process.env.PATH}`,
    DATABASE_URL: url,
    TWO_FACTOR_KEYS: keys.old,
    OLD_KEY: keys.old,
    NEW_KEY: keys.new,
    OLD: url
  })
}

t.test('keys are made', async t => {
  for (const name of ['generate-key', 'cli-generate-key']) {
    const { code, output } = await shell(name)
    t.equal(code, 0, name)
    t.equal(Buffer.from(output.trim(), 'base64').length, 32, output)
  }
})

t.test('tables are made, and secrets are imported from every kind of file that the page names', async t => {
  const { folder, url } = await place
  t.match(await shell('cli-migrate'), { code: 0 })
  const db = connect(t, url, 2)
  await db.schema.createTable('users').addColumn('id', 'text').addColumn('totp_secret', 'text').execute()
  const rows = ['42,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', '43,KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU']
  writeFileSync(`${folder}/users.csv`, ['user_id,secret', ...rows, ''].join('\n'))
  writeFileSync(`${folder}/old.ndjson`, `${JSON.stringify({ user_id: '44', secret: '12345678BXYT' })}\n`)
  // What psql would print.
  writeFileSync(`${folder}/query.csv`, 'user_id,secret\n45,MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK\n')
  const { program } = await place
  program('psql', `[ "$2" = -c ] && cat ${folder}/query.csv`)
  const { code, output } = await shell('cli-import')
  t.equal(code, 0, output)
  t.match(await db.selectFrom('two_factor_authenticators').select(['user_id', 'kind']).orderBy('user_id').execute(), [
    { user_id: '42', kind: 'local' }, { user_id: '43', kind: 'local' },
    { user_id: '44', kind: 'authenticator-api' }, { user_id: '45', kind: 'local' }
  ])
})

t.test('status, switch, rotate, prune and unlock do what their comments say', async t => {
  const status = await shell('cli-status')
  t.equal(status.code, 0, status.output)
  const [, ofUser, ofAll] = status.output.split(/^(?=\{)/m).map(text => text.startsWith('{') ? JSON.parse(text) as object : text)
  const { code } = snippet('cli-status')
  const promised = [...code.matchAll(/# \{ (.*) \}$/gm)].map(([, names = '']) => names.replaceAll(/: [[{].*?[}\]](?=,|$)/g, '').split(', '))
  t.same(Object.keys(ofUser as object), promised[0])
  t.same(Object.keys(ofAll as object), promised[1])

  const db = connect(t, (await place).url, 2)
  await db.updateTable('two_factor_authenticators').set({ kind: 'authenticator-api' }).execute()
  t.match(await shell('cli-switch'), { code: 0 })
  t.same(await db.selectFrom('two_factor_authenticators').select('kind').distinct().execute(), [{ kind: 'local' }])
  const rotated = await shell('cli-rotate')
  t.equal(rotated.code, 0, rotated.output)
  t.match(await shell('cli-prune'), { code: 0 })

  // The second one asks, and nobody is there to answer: the third one does not.
  const [unlock = '', reset = '', resetWithoutAsking = ''] = snippet('cli-unlock').code.trim().split('\n')
  t.match(await shell('unlock', unlock), { code: 0 })
  t.match(await shell('reset', reset), { code: 2 })
  t.match(await shell('reset', resetWithoutAsking), { code: 0 })
  t.match(await shell('status', unlock), { code: 3 }, 'there is nothing left')
})

t.test('AuthenticatorAPI: only the base URL changes, and the server starts', async t => {
  const app = await buildServer(t, { clock: Date.now })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const code = new TOTP({ secret: 'GEZDGNBVGY3TQQSYLFKA' }).generate()
  const lines = snippet('only-the-base-url').code.replaceAll(/https?:\/\/[\w.:]+/g, origin).replace('123456 ', `${code} `)
  const { code: status, output } = await shell('only-the-base-url', lines)
  t.equal(status, 0, output)
  t.equal(output.match(/Manually pair with GEZDGNBVGY3TQQSYLFKA/g)?.length, 2)
  t.match(output, /True$/)

  const serve = snippet('serve-api').code.trim()
  const served = await shell('serve-api', `timeout -s TERM 5 ${serve.replace('8787', '0')} || true`)
  t.match(served.output, /^AuthenticatorAPI-compatible server at http:\/\/127\.0\.0\.1:\d+/)
})
