import { randomBytes } from 'node:crypto'
import { copyFileSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { URI, type TOTP } from 'otpauth'
import type { Test } from 'tap'
import { freePort, type PostgresServer } from '../../helpers/postgres.js'
import { emptyFolder, npm } from '../../helpers/registry.js'
import { longAgo, userCount, type Candidate, type Peer } from './contestant.js'
import { openDatabase } from './database.js'
import { startHost } from './host.js'
import { runAll } from './load.js'
import { createVisitor, type Visitor } from './visitor.js'

/** A folder where Better Auth is installed. Here it cannot be: it wants other versions of what this package uses. */
export interface Installed {
  readonly folder: string
  readonly version: string
}

const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const prefix = '/api/auth'
const password = 'correct horse battery staple'

export async function installBetterAuth (t: Pick<Test, 'teardown'>): Promise<Installed> {
  const folder = await emptyFolder(t)
  writeFileSync(`${folder}/package.json`, JSON.stringify({ type: 'module', private: true }))
  const log = { comment: (...lines: unknown[]) => console.log(...lines) }
  if (!await npm(log, folder, 'install', 'better-auth@1')) throw new Error('Better Auth cannot be installed without a registry')
  for (const name of ['pg', 'fastify']) symlinkSync(`${modules}/${name}`, `${folder}/node_modules/${name}`)
  copyFileSync(new URL('./better-auth-host.js', import.meta.url), `${folder}/host.js`)
  const manifest = readFileSync(`${folder}/node_modules/better-auth/package.json`, 'utf8')
  return { folder, version: (JSON.parse(manifest) as { version: string }).version }
}

/** Better Auth with its two-factor plugin, on Fastify. */
export async function startBetterAuth (
  t: Pick<Test, 'teardown'>, postgres: PostgresServer, { folder, version }: Installed, cookieCache: boolean
): Promise<Peer> {
  const database = await openDatabase(t, await postgres.createDatabase())
  const host = await startHost(t, `${folder}/host.js`, {
    DATABASE_URL: database.url,
    PORT: String(await freePort()),
    COOKIE_CACHE: cookieCache ? 'on' : 'off',
    BETTER_AUTH_SECRET: randomBytes(32).toString('base64')
  }, { cwd: folder, execArgv: [] })
  // The one with the cookie cache is for the guarded route alone.
  const users = await signUp(host.origin, cookieCache ? 50 : userCount)
  const signIn = (count: number) => Promise.all(users.slice(0, count).map(async ({ email, totp }) => {
    const visitor = createVisitor(host.origin)
    await visitor.post(`${prefix}/sign-in/email`, { email, password })
    return { visitor, totp }
  }))
  return {
    name: `Better Auth ${version}${cookieCache ? ', cookie cache' : ''}`,
    hosts: [host],
    database,
    signIn: async () => (await signIn(users.length)).map(({ visitor, totp }) => candidate(visitor, totp)),
    pass: async count => Promise.all((await signIn(count)).map(async ({ visitor, totp }) => {
      await visitor.post(`${prefix}/two-factor/verify-totp`, { code: totp.generate() })
      return { origin: host.origin, method: 'GET', path: '/dashboard', headers: visitor.headers() }
    })),
    prepareSetups: async count => Promise.all(Array.from({ length: count }, async () => {
      const { visitor } = await registered(host.origin)
      return () => setUp(visitor)
    }))
  }
}

interface User {
  readonly email: string
  readonly totp: TOTP
}

async function signUp (origin: string, count: number): Promise<User[]> {
  const users: User[] = []
  await runAll(Array.from({ length: count }, () => async () => {
    const { visitor, email } = await registered(origin)
    users.push({ email, totp: await setUp(visitor) })
  }), 10)
  return users
}

async function registered (origin: string): Promise<{ readonly visitor: Visitor, readonly email: string }> {
  const [visitor, email] = [createVisitor(origin), `${randomBytes(12).toString('hex')}@example.com`]
  await visitor.post(`${prefix}/sign-up/email`, { name: 'Ada', email, password })
  return { visitor, email }
}

async function setUp (visitor: Visitor): Promise<TOTP> {
  const { totpURI } = await visitor.post(`${prefix}/two-factor/enable`, { password })
  const totp = URI.parse(String(totpURI)) as TOTP
  await visitor.post(`${prefix}/two-factor/verify-totp`, { code: totp.generate() })
  return totp
}

function candidate (visitor: Visitor, totp: TOTP): Candidate {
  return {
    verify: right => ({
      origin: visitor.origin,
      method: 'POST',
      path: `${prefix}/two-factor/verify-totp`,
      headers: visitor.headers(),
      body: JSON.stringify({ code: totp.generate({ timestamp: right ? Date.now() : Date.now() - longAgo }) })
    })
  }
}
