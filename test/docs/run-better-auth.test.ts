import { symlinkSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { URI, type TOTP } from 'otpauth'
import t from 'tap'
import { kyselyStorage } from '../../plugin/index.js'
import { buildHost, createClock, encryptionKeys, signIn } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { emptyFolder, npm, run } from '../helpers/registry.js'
import { root } from './pages.js'
import { snippet } from './snippets.js'

// A host as Better Auth's own guide has it.
const auth = `
import { betterAuth } from 'better-auth'
import { twoFactor } from 'better-auth/plugins'
import pg from 'pg'

export const auth = betterAuth({
  baseURL: 'http://localhost:3000',
  secret: process.env.BETTER_AUTH_SECRET,
  database: new pg.Pool({ connectionString: process.env.DATABASE_URL }),
  emailAndPassword: { enabled: true },
  plugins: [twoFactor({ issuer: 'Before' })]
})
`

// Three users of it: one who set two-factor up, one who never confirmed, one who never began.
const fill = `
import { getMigrations } from 'better-auth/db/migration'
import { TOTP, URI } from 'otpauth'
import { auth } from './auth.js'

await (await getMigrations(auth.options)).runMigrations()
const users = {}
for (const name of ['ada', 'bob', 'eve']) {
  const password = 'correct horse battery staple'
  const { headers, response } = await auth.api.signUpEmail({ body: { name, email: name + '@example.com', password }, returnHeaders: true })
  const cookies = new Headers({ cookie: headers.getSetCookie().map(cookie => cookie.split(';')[0]).join('; ') })
  users[name] = { id: response.user.id }
  if (name === 'eve') continue
  const { totpURI } = await auth.api.enableTwoFactor({ body: { password }, headers: cookies })
  users[name].uri = totpURI
  if (name === 'ada') await auth.api.verifyTOTP({ body: { code: URI.parse(totpURI).generate() }, headers: cookies })
}
console.log(JSON.stringify(users))
process.exit()
`

t.test('migrating: users of Better Auth go on with the apps that they have', async t => {
  const folder = await emptyFolder(t)
  writeFileSync(`${folder}/package.json`, JSON.stringify({ type: 'module', private: true }))
  if (!await npm(t, folder, 'install', 'better-auth@1')) return t.pass('Better Auth', { skip: 'There is no registry here' })
  // Better Auth is installed for real. The rest is what this repository has, and the package its sources.
  for (const name of ['pg', 'otpauth', 'fastify']) symlinkSync(`${root}node_modules/${name}`, `${folder}/node_modules/${name}`)
  symlinkSync(root, `${folder}/node_modules/fastify-authenticator-2fa`)
  writeFileSync(`${folder}/auth.js`, auth)
  writeFileSync(`${folder}/fill.js`, fill)
  writeFileSync(`${folder}/migrate.js`, snippet('better-auth').code)

  const server = await startPostgres(t)
  const url = await server.createDatabase()
  const environment = {
    DATABASE_URL: url, BETTER_AUTH_SECRET: randomBytes(32).toString('base64'), TWO_FACTOR_KEY: encryptionKeys[0]
  }
  const script = async (file: string) => {
    const flags = [`--import=${root}test/strip-types/register.js`, '--conditions=@fastify-authenticator-2fa/source']
    const { code, output } = await run(process.execPath, [...flags, file], folder, environment)
    t.equal(code, 0, output)
    return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Record<string, unknown>
  }
  const users = await script('fill.js') as Record<'ada' | 'bob' | 'eve', { id: string, uri: string }>
  t.same(await script('migrate.js'), { imported: 1, known: 0, unfinished: 1 })
  t.same(await script('migrate.js'), { imported: 0, known: 1, unfinished: 1 }, 'and again')

  const clock = createClock(new Date().toISOString())
  const host = await buildHost(t, { storage: kyselyStorage(connect(t, url, 2)), clock })
  const client = await signIn(host, users.ada.id)
  t.equal((await client.get('/dashboard')).statusCode, 403)
  // The secret that Better Auth gave the app, by a library that knows neither.
  const code = (URI.parse(users.ada.uri) as TOTP).generate({ timestamp: clock() })
  t.equal((await client.post('/2fa/verify', { code })).statusCode, 200)
  t.equal((await client.get('/dashboard')).statusCode, 200)
  for (const { id } of [users.bob, users.eve]) t.equal((await host.app.twoFactor.status(id)).enabled, false)
})
