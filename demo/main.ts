import type { FastifyInstance } from 'fastify'
import { buildApp, type Demo } from './app.js'
import { openChecker, type Checker } from './checker.js'
import { ConfigError } from './config-error.js'
import { readConfig, type DemoConfig } from './config.js'
import { openDatabase } from './database.js'
import { greeting, warning } from './greeting.js'
import { openBrowser } from './open-browser.js'

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

function greet (config: DemoConfig, address: string, checker: Checker): void {
  const warned = warning(config)
  if (warned !== undefined) console.warn(warned)
  console.log(greeting(config, address, checker, { isTTY: process.stdout.isTTY, env: process.env }))
  if (config.open) openBrowser(address, reason => console.warn(`No browser was opened (${reason}): open ${address} yourself.`))
}

function explain (error: unknown): unknown {
  if (error instanceof ConfigError) return error.message
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'FST_2FA_BAD_OPTION') return `${message}\n(TWO_FACTOR_KEYS, or the keys that the demo made up)`
  return error
}
