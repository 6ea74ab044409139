import type { FastifyInstance } from 'fastify'
import { adminAccount, demoAccount } from './accounts.js'
import { buildApp, type Demo } from './app.js'
import { openChecker, type Checker } from './checker.js'
import { ConfigError, readConfig, type DemoConfig } from './config.js'
import { openDatabase } from './database.js'

try {
  await start(readConfig(process.env, process.argv.slice(2)))
} catch (error) {
  console.error(explain(error))
  process.exit(1)
}

async function start (config: DemoConfig): Promise<void> {
  const db = await openDatabase(config)
  const checker = await openChecker(config)
  const close = async () => {
    await checker.close()
    await db.destroy()
  }
  const { app, address } = await listen(config, { db, checker }).catch(async error => {
    await close()
    throw error
  })

  let stopping = false
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      // Who asks twice does not want to wait for open requests.
      if (stopping) process.exit(1)
      stopping = true
      app.close().then(close).then(() => process.exit(0), error => {
        console.error(error)
        process.exit(1)
      })
    })
  }
  greet(config, address, checker)
}

async function listen (
  config: DemoConfig, parts: Pick<Demo, 'db' | 'checker'>
): Promise<{ app: FastifyInstance, address: string }> {
  const app = await buildApp({ config, ...parts })
  await app.ready()
  const { host, port } = config
  try {
    return { app, address: await app.listen({ host, port }) }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw new ConfigError(code === 'EADDRINUSE'
      ? `${message}: another program uses this port. Choose one, as in: PORT=3001 npm start`
      : `${message}. Choose another HOST or PORT`, { cause })
  }
}

function greet (config: DemoConfig, address: string, { where }: Checker): void {
  const { madeUp, databaseUrl, folder, secure, verifier } = config
  if (madeUp.length > 0) {
    console.warn(`For a demo only: ${databaseUrl === undefined ? 'an embedded database and ' : ''}made-up keys in ${folder}.
In production set ${madeUp.join(', ')} (and PORT, if it is not 3000).
`)
  }
  if (secure) {
    console.log('Its cookies need HTTPS: put a proxy in front that sets X-Forwarded-Proto, and name its address in TRUST_PROXY.\n')
  }
  console.log(`The demo is at ${address}

  ${secure ? `Create an account at ${address}/sign-up` : `Sign in as ${demoAccount.email} with the password: ${demoAccount.password}`}
  1. Set up two-factor at ${address}/2fa/setup (no phone? ${address}/phone)
  2. Sign out and in again: ${address}/dashboard asks for a code
  3. Try ${address}/transfer${secure ? '' : `, and as ${adminAccount.email} ${address}/admin`}

Codes of new authenticators are checked ${where()}.
${verifier === 'local' ? 'To have a server check them: npm start -- --verifier=api' : 'To check them here: npm start'}

Stop it with Ctrl+C.`)
}

function explain (error: unknown): unknown {
  if (error instanceof ConfigError) return error.message
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'FST_2FA_BAD_OPTION') return `${message}\n(TWO_FACTOR_KEYS, or the keys that the demo made up)`
  return error
}
