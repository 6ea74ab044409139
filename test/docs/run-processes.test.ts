import { fork, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import type { Kysely } from 'kysely'
import { TOTP } from 'otpauth'
import t, { type Test } from 'tap'
import { migrations } from '../../plugin/index.js'
import { buildServer } from '../authenticator-api/server.js'
import { loadMigrator } from '../helpers/migrator.js'
import { connect, freePort, startPostgres } from '../helpers/postgres.js'
import { run } from '../helpers/registry.js'
import { load, snippet } from './snippets.js'
import { untilUp, walk } from './walk.js'

const server = startPostgres(t)

/** Starts a snippet as a program of its own. */
async function start (t: Test, name: string, environment: Record<string, string> = {}) {
  const port = await freePort()
  const child = fork(snippet(name).file, { env: { ...process.env, PORT: String(port), ...environment }, silent: true })
  t.teardown(() => child.kill('SIGKILL'))
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => { output += text })
  return { origin: `http://localhost:${port}`, ended: once(child, 'exit'), output: () => output }
}

t.test('the host of the README runs as it stands, and asks for a code', async t => {
  const { origin } = await start(t, 'readme')
  await untilUp(origin)
  await walk(t, origin, client => client.get('/login'))
})

t.test('the host of "Getting started" runs as it stands, and refuses as the page says', async t => {
  const { origin } = await start(t, 'getting-started', {
    DATABASE_URL: await (await server).createDatabase(),
    SESSION_SECRET: randomBytes(32).toString('hex'),
    TWO_FACTOR_KEY: randomBytes(32).toString('base64')
  })
  await untilUp(origin)
  const refusal = await walk(t, origin, client => client.post('/login', { name: 'ada' }))
  t.same(refusal, JSON.parse(snippet('getting-started-refusal').code))
})

t.test('migrating: the script imports, can be run again, and says what it refused', async t => {
  const connectionString = await (await server).createDatabase()
  const db = connect(t, connectionString)
  await db.schema.createTable('users').addColumn('id', 'text').addColumn('totp_secret', 'text').execute()
  const users = db as unknown as Kysely<{ users: { id: string, totp_secret: string | null } }>
  await users.insertInto('users').values([
    { id: 'ada', totp_secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }, { id: 'bob', totp_secret: null }, { id: 'eve', totp_secret: '???' }
  ]).execute()
  const environment = { DATABASE_URL: connectionString, TWO_FACTOR_KEY: randomBytes(32).toString('base64') }
  for (const counts of ['imported: 1, known: 0', 'imported: 0, known: 1']) {
    const script = await start(t, 'import-script', environment)
    t.same((await script.ended)[0], 0)
    t.match(script.output(), `{ ${counts}, refused: 1 }`)
    t.match(script.output(), /^eve This secret cannot be taken over/m)
  }
  t.match(await db.selectFrom('two_factor_authenticators').select(['user_id', 'name']).execute(), [{ user_id: 'ada', name: 'Authenticator app' }])
})

t.test('operating: the migrations of the package run among those of the host', async t => {
  const db = connect(t, await (await server).createDatabase())
  const own = {
    async up (db: Kysely<unknown>) { await db.schema.createTable('of_the_host').addColumn('id', 'text').execute() }
  }
  const { provider } = await load<{ provider: (own: object) => { getMigrations: () => Promise<typeof migrations> } }>('own-migrator')
  const Migrator = await loadMigrator()
  const migrator = new Migrator({ db, allowUnorderedMigrations: true, provider: provider({ own }) })
  const { error, results = [] } = await migrator.migrateToLatest()
  t.equal(error, undefined)
  t.ok(results.some(({ migrationName }) => migrationName === 'own'))
  t.ok(results.some(({ migrationName }) => migrationName === 'two_factor_0001_initial' || migrationName.startsWith('two_factor_0001')))
  t.same(await db.selectFrom('two_factor_users').selectAll().execute(), [])
})

const withoutPython = spawnSync('python3', ['--version']).status !== 0 && process.env.CI !== 'true' && 'There is no python3 here: install it'

t.test('AuthenticatorAPI: the Python client works with the server of this package', { skip: withoutPython }, async t => {
  const app = await buildServer(t, { clock: Date.now })
  const origin = await app.listen({ host: '127.0.0.1', port: 0 })
  const { file } = snippet('python-client')
  const here = file.replace('.py', `-${process.pid}.py`)
  const code = new TOTP({ secret: 'GEZDGNBVGY3TQQSYLFKA' }).generate()
  // Nobody is there to type it.
  writeFileSync(here, readFileSync(file, 'utf8').replace('http://127.0.0.1:8787', origin).replace("input('Its code: ')", `'${code}'`))
  const { code: status, output } = await run('python3', [here], '.')
  t.same({ status, output }, { status: 0, output: 'Type this key into your app: GEZDGNBVGY3TQQSYLFKA\nTrue\n' })
})
