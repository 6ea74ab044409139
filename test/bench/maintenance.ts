import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { sql, type Kysely } from 'kysely'
import { importLines } from '../../plugin/cli/import-lines.js'
import { readImportFile } from '../../plugin/cli/import-file.js'
import { createCommandService, withDatabase } from '../../plugin/cli/context.js'
import { processTerminal } from '../../plugin/cli/terminal.js'
import { encodeBase32 } from '../../plugin/otp/base32.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { startOwnPostgres } from '../helpers/postgres.js'

/**
 * Import of many secrets, the same file once more, and rotation of their keys: seconds, and the memory of this process
 * at its peak.
 *
 * @param secrets - How many. Default is what `--secrets=` says, or 1,000,000.
 */
export async function benchMaintenance (secrets = givenSecrets()): Promise<void> {
  const cleanups: Array<() => unknown> = []
  const t = { teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) } }
  try {
    const postgres = await startOwnPostgres(t)
    const databaseUrl = await postgres.createDatabase()
    console.log(`\nMaintenance of ${secrets.toLocaleString('en')} secrets on PostgreSQL\n`)
    await withDatabase(processTerminal, { databaseUrl }, db => maintain(db, secrets))
  } finally {
    for (const cleanup of cleanups) await cleanup()
  }
}

async function maintain (db: Kysely<TwoFactorDatabase>, secrets: number): Promise<void> {
  await migrate(db)
  const [old, current] = [newKey(), newKey()]
  const importing = createCommandService(kyselyStorage(db), [old], {}).service
  const importAll = () => importLines(importing, readImportFile(Readable.from(csv(secrets)), 'csv'), {
    dryRun: false, maxErrors: 1, signal: new AbortController().signal, onProblem () {}, onProgress () {}
  })
  await measure('import', secrets, async () => { expect((await importAll()).imported, secrets) })
  await sql`vacuum analyze`.execute(db)
  await measure('the same import again', secrets, async () => { expect((await importAll()).known, secrets) })

  const { service } = createCommandService(kyselyStorage(db), [current, old], {})
  await measure('key rotation', secrets, async () => {
    // Each user has a salt as well.
    expect((await service.rotateKeys()).resealed, 2 * secrets)
  })
  expect(await leftBehind(db), 1)
}

function givenSecrets (): number {
  const [, given = '1000000'] = process.argv.map(argument => /^--secrets=(\d+)$/.exec(argument)).find(Boolean) ?? []
  return Number(given)
}

function newKey (): string {
  return randomBytes(32).toString('base64')
}

/** The same each time. */
function * csv (secrets: number): Generator<string> {
  yield 'user_id,secret,name\n'
  const secret = Buffer.alloc(20, 1)
  for (let index = 0; index < secrets; index++) {
    secret.writeUInt32BE(index)
    yield `user-${index},${encodeBase32(secret)},Phone\n`
  }
}

async function measure (what: string, secrets: number, task: () => Promise<void>): Promise<void> {
  let peak = 0
  const sampling = setInterval(() => { peak = Math.max(peak, process.memoryUsage.rss()) }, 50)
  const start = performance.now()
  await task()
  clearInterval(sampling)
  const seconds = (performance.now() - start) / 1000
  console.log(`  ${what}: ${seconds.toFixed(1)} s (${Math.round(secrets / seconds).toLocaleString('en')} secrets/s), ` +
    `peak memory ${Math.round(peak / 2 ** 20)} MiB`)
}

function expect (actual: number, expected: number): void {
  if (actual !== expected) throw new Error(`${actual} instead of ${expected}`)
}

/** How many keys are in use. */
async function leftBehind (db: Kysely<TwoFactorDatabase>): Promise<number> {
  const { rows } = await sql`select distinct substring(secret from 1 for 5) from two_factor_authenticators`.execute(db)
  return rows.length
}
