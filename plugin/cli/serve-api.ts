import Fastify from 'fastify'
import type { Command } from 'commander'
import authenticatorApiServer from '../authenticator-api/index.js'
import { BadOptionError } from '../errors.js'
import { integer } from './command.js'

interface ServeApiOptions {
  readonly port: number
  readonly host: string
  readonly tolerance: number
  readonly rateLimit: number
  readonly codeLimit: number
  readonly publicUrl?: string
  readonly trustProxy?: string
}

/** Adds `serve-api`: an AuthenticatorAPI-compatible server of its own, until it gets SIGINT or SIGTERM. */
export function addServeApi (program: Command): void {
  program.command('serve-api')
    .description('start a server that clients of AuthenticatorAPI.com can use in its stead')
    .option('--port <number>', 'port to listen on, 0 for any that is free', integer(0, 65_535), 8787)
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .option('--tolerance <steps>', 'steps of 30 seconds that a pin may be off, 0 to 10; 1 is strict', integer(0, 10), 10)
    .option('--rate-limit <requests>', 'requests a minute from one address, 0 for no limit', integer(0, 1e9), 300)
    .option('--code-limit <validations>', 'validations a minute of one SecretCode, 0 for no limit', integer(0, 1000), 10)
    .option('--public-url <url>', 'where clients reach it, if not at what they ask for')
    .option('--trust-proxy <addresses>', 'proxies whose X-Forwarded headers count, separated by commas')
    .action(async (options: ServeApiOptions, command: Command) => {
      try {
        await serveApi(options)
      } catch (error) {
        const exitCode = error instanceof BadOptionError ? 2 : 1
        command.error(`error: ${describe(error, options)}`, { code: 'serve-api.failed', exitCode })
      }
    })
}

async function serveApi (options: ServeApiOptions): Promise<void> {
  const { port, host, tolerance, rateLimit, codeLimit, publicUrl, trustProxy } = options
  // It has no log: there is nothing in a request that may be kept.
  const app = Fastify(trustProxy === undefined ? {} : { trustProxy })
  await app.register(authenticatorApiServer, {
    tolerance,
    rateLimit: rateLimit > 0 && { max: rateLimit },
    codeLimit: codeLimit > 0 && { max: codeLimit },
    ...(publicUrl !== undefined && { publicUrl })
  })
  const address = await app.listen({ host, port })
  closeOnSignal(() => app.close())

  console.log(`AuthenticatorAPI-compatible server at ${address}`)
  if (!isLoopback(host)) {
    console.error('warning: secrets travel in URLs here. Put HTTPS in front of it, and let nobody reach it without')
  }
}

/** The first signal ends what runs in order, a second one at once. */
function closeOnSignal (close: () => Promise<unknown>): void {
  const signals = ['SIGINT', 'SIGTERM'] as const
  const onSignal = () => {
    // Without a listener, a signal does what it does to any process.
    for (const signal of signals) process.off(signal, onSignal)
    close().catch((error: unknown) => {
      console.error(error)
      process.exitCode = 1
    })
  }
  for (const signal of signals) process.on(signal, onSignal)
}

function describe (error: unknown, { port, host }: ServeApiOptions): string {
  const { code, message } = error as NodeJS.ErrnoException
  if (code === 'EADDRINUSE') return `port ${port} of ${host} is in use. Choose another one with --port`
  if (code === 'EACCES') return `port ${port} of ${host} is not for this user. Choose another one with --port`
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') return `${host} is no address of this machine. Correct --host`
  return message
}

function isLoopback (host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(\.\d+){3}$/.test(host)
}
