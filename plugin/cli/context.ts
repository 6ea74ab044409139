import { Kysely, PostgresDialect } from 'kysely'
import { compose, type Composition } from '../composition.js'
import { BadOptionError } from '../errors.js'
import { resolveOptions } from '../options.js'
import { createKeyRing } from '../secrets/key-ring.js'
import type { TwoFactorService } from '../service.js'
import { kyselyStorage } from '../storage/kysely.js'
import type { TwoFactorDatabase } from '../storage/schema.js'
import type { TwoFactorStorage } from '../storage/storage.js'
import { authenticatorApi } from '../verifiers/authenticator-api.js'
import { localVerifier } from '../verifiers/local.js'
import { CommandFailure, exitCodes, messageOf } from './failure.js'
import type { Terminal } from './terminal.js'

/** Where a command finds the database. */
export interface DatabaseOptions {
  readonly databaseUrl?: string
}

/** What of the app's options a command has to know. */
export interface ServiceOptions extends DatabaseOptions {
  readonly audit?: boolean
  readonly digits?: number
  readonly maxAuthenticators?: number
}

/** What commands work on. */
export interface CommandContext {
  readonly storage: TwoFactorStorage
  readonly service: TwoFactorService
}

// Nobody waits for a page here.
const storageTimeout = 30_000
// As many statements as a batch command has under way, and one more.
const connections = 9

/**
 * Opens the database for as long as a task runs.
 *
 * @throws {CommandFailure} if it is not named, or cannot be reached.
 */
export async function withDatabase<Result> (
  { env }: Terminal, { databaseUrl = env.DATABASE_URL ?? '' }: DatabaseOptions,
  task: (db: Kysely<TwoFactorDatabase>) => Promise<Result>
): Promise<Result> {
  if (!/^postgres(ql)?:\/\//.test(databaseUrl)) {
    throw new CommandFailure(exitCodes.usage, 'set DATABASE_URL to postgres://user:password@host/database')
  }
  const { Pool } = await loadPg()
  const pool = new Pool({ connectionString: databaseUrl, connectionTimeoutMillis: 10_000, max: connections })
  // Without listeners a restart of PostgreSQL would end this process without a word: the pool's are for idle
  // connections, and one that is cut in a statement or a transaction has nobody else to tell.
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  const db = new Kysely<TwoFactorDatabase>({ dialect: new PostgresDialect({ pool }) })
  try {
    return await task(db)
  } finally {
    await db.destroy()
  }
}

/**
 * Puts the use cases together as the plugin does, without a web server, for as long as a task runs.
 *
 * @param keys - `fitting`: they must open what is there, since the task seals more. `none`: it neither opens nor seals.
 * @throws {CommandFailure} if the environment lacks something, or it does not fit.
 */
export async function withService<Result> (
  terminal: Terminal, options: ServiceOptions, keys: 'fitting' | 'any' | 'none',
  task: (context: CommandContext) => Promise<Result>
): Promise<Result> {
  const encryptionKeys = keys === 'none' ? [] : readKeys(terminal)
  return withDatabase(terminal, options, async db => {
    const storage = kyselyStorage(db)
    const { service, secrets } = createCommandService(storage, encryptionKeys, options)
    const sample = await sampleSecret(storage)
    if (keys === 'fitting' && sample) {
      await secrets.open('authenticator-secret', [sample.userId, sample.id], sample.secret).catch((error: unknown) => {
        throw new CommandFailure(exitCodes.failed, `TWO_FACTOR_KEYS do not fit the database. ${messageOf(error)}`)
      })
    }
    return task({ storage, service })
  })
}

async function sampleSecret (storage: TwoFactorStorage) {
  try {
    return await storage.sampleSecret()
  } catch (error) {
    if (!(error instanceof BadOptionError)) throw error
    throw new CommandFailure(exitCodes.failed,
      'the tables are missing, or older than this version. Run: npx fastify-authenticator-2fa migrate')
  }
}

/** The use cases on a storage. Without keys they can only do what opens and seals nothing. */
export function createCommandService (
  storage: TwoFactorStorage, encryptionKeys: readonly string[], given: ServiceOptions
): Composition {
  const { audit = false, digits = 6, maxAuthenticators = 5 } = given
  const options = resolveOptions({
    issuer: 'Command line',
    storage,
    encryptionKeys,
    getUser: () => null,
    // For what it objects to: no code is checked here, so it asks nobody.
    verifier: [localVerifier(), authenticatorApi({ url: 'https://www.authenticatorapi.com' })],
    storageTimeout,
    audit,
    digits,
    maxAuthenticators
  })
  const keyRing = encryptionKeys.length === 0 ? undefined : createKeyRing(encryptionKeys)
  return compose(options, keyRing, () => {})
}

/** The use cases without a storage, for what asks none. */
export function createCheckingService (options: ServiceOptions): Pick<TwoFactorService, 'objectionTo' | 'importSecrets'> {
  const nowhere = { claimAttempt () {} } as unknown as TwoFactorStorage
  return createCommandService(nowhere, [], options).service
}

/** From the environment alone: arguments show in the list of processes, and stay in the shell's history. */
function readKeys ({ env }: Terminal): string[] {
  const keys = (env.TWO_FACTOR_KEYS ?? '').split(',').map(key => key.trim()).filter(key => key !== '')
  if (keys.length > 0) return keys
  throw new CommandFailure(exitCodes.usage,
    'set TWO_FACTOR_KEYS to the encryptionKeys of the app, separated by commas, the one that seals first')
}

async function loadPg () {
  try {
    return (await import('pg')).default
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new CommandFailure(exitCodes.failed, 'the driver for PostgreSQL is missing. Install it with: npm install pg')
  }
}
