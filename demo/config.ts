import { isIP } from 'node:net'
import { join } from 'node:path'
import { readArguments } from './arguments.js'
import { ConfigError } from './config-error.js'
import { keptSecrets } from './kept-secrets.js'

export interface DemoConfig {
  /** PostgreSQL, or `undefined` for the embedded database in `folder`. */
  readonly databaseUrl: string | undefined
  readonly folder: string
  readonly encryptionKeys: readonly string[]
  readonly sessionSecret: string
  readonly host: string
  readonly port: number
  /** Cookies over HTTPS alone. */
  readonly secure: boolean
  /** Proxies whose word on the client's address and on HTTPS is taken. */
  readonly trustedProxies: readonly string[]
  /** What checks the codes of new authenticators: this process, or a server of the AuthenticatorAPI.com protocol. */
  readonly verifier: 'local' | 'api'
  /** That server, or `undefined` for one beside the demo. */
  readonly authenticatorApiUrl: string | undefined
  /** Whether a guide and a panel beside the pages tell about the demo. */
  readonly panel: boolean
  /** Of the hashes of passwords, as `createPasswords` has it. Absent, but in tests. */
  readonly passwordCost?: number
  /** Whether to open a browser. */
  readonly open: boolean
  /** Variables that production needs, and that were made up here. */
  readonly madeUp: readonly string[]
}

const howTo = {
  DATABASE_URL: 'postgres://user:password@host/database',
  TWO_FACTOR_KEYS: 'comma-separated keys; make one with: node -e "console.log(crypto.randomBytes(32).toString(\'base64\'))"',
  SESSION_SECRET: 'at least 32 characters; make one with: node -e "console.log(crypto.randomBytes(32).toString(\'hex\'))"'
} as const

type Secret = keyof typeof howTo

/**
 * Reads the environment and the arguments. What is missing is made up and kept in the data folder, but never in
 * production or beside a database that outlives this folder.
 *
 * @throws {ConfigError}
 */
export function readConfig (env: NodeJS.ProcessEnv, args: readonly string[] = []): DemoConfig {
  const { verifier, plain, open } = readArguments(args)
  const production = env.NODE_ENV === 'production'
  const folder = env.DEMO_DATA ?? join(import.meta.dirname, '..', '.demo')
  const databaseUrl = env.DATABASE_URL || undefined
  const missing = (Object.keys(howTo) as Secret[]).filter(name => !env[name])
  if (production || databaseUrl !== undefined) {
    const [name] = missing
    if (name) throw new ConfigError(`${name} is missing: ${howTo[name]}`)
  }
  if (databaseUrl !== undefined && !/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new ConfigError(`DATABASE_URL must look like ${howTo.DATABASE_URL}`)
  }
  const port = Number(env.PORT || 3000)
  if (!Number.isInteger(port) || port < 0 || port > 65535) throw new ConfigError('PORT must be a number from 0 to 65535')
  const authenticatorApiUrl = env.AUTHENTICATOR_API_URL ? serviceUrl(env.AUTHENTICATOR_API_URL) : undefined

  const kept = missing.length > 0 ? keptSecrets(folder) : undefined
  const sessionSecret = env.SESSION_SECRET || kept?.sessionSecret || ''
  if (sessionSecret.length < 32) throw new ConfigError(`SESSION_SECRET is too short: ${howTo.SESSION_SECRET}`)
  return {
    databaseUrl,
    folder,
    encryptionKeys: env.TWO_FACTOR_KEYS ? env.TWO_FACTOR_KEYS.split(',').map(key => key.trim()) : kept?.encryptionKeys ?? [],
    sessionSecret,
    host: env.HOST || '127.0.0.1',
    port,
    secure: production,
    trustedProxies: production ? proxies(env.TRUST_PROXY || 'loopback') : [],
    verifier,
    authenticatorApiUrl,
    panel: !plain && isPanelOn(env.DEMO_PANEL, production),
    open,
    madeUp: missing
  }
}

/** What tells about the demo is not for customers, so in production it has to be asked for. */
function isPanelOn (value: string | undefined, production: boolean): boolean {
  if (!['on', 'off', '', undefined].includes(value)) throw new ConfigError('DEMO_PANEL must be on or off')
  return value ? value === 'on' : !production
}

/** As the package has it, but with plain HTTP on this machine alone: every secret passes there. */
function serviceUrl (text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const isLoopback = url !== undefined && /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname)
  const isBare = url !== undefined && !url.search && !url.hash && !url.username && !url.password
  if (!isBare || (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback))) {
    throw new ConfigError('AUTHENTICATOR_API_URL must be an address such as https://www.authenticatorapi.com; ' +
      'http:// is for this machine alone, since every secret passes there')
  }
  return text
}

/** Addresses, not a count of hops: a count would be taken from anybody who reaches the port. */
function proxies (list: string): string[] {
  const names = ['loopback', 'linklocal', 'uniquelocal']
  const trusted = list.split(',').map(entry => entry.trim())
  for (const entry of trusted) {
    const [address = '', length, ...rest] = entry.split('/')
    const bits = isIP(address) === 4 ? 32 : 128
    const isSubnet = isIP(address) !== 0 && rest.length === 0 &&
      (length === undefined || (/^\d{1,3}$/.test(length) && Number(length) <= bits))
    if (!names.includes(entry) && !isSubnet) {
      throw new ConfigError('TRUST_PROXY must be comma-separated addresses or subnets, such as loopback,10.0.0.0/8')
    }
  }
  return trusted
}
