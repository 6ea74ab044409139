import { randomBytes } from 'node:crypto'
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { sql, type Kysely } from 'kysely'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { startOwnPostgres } from '../helpers/postgres.js'
import { openDatabase } from './database.js'
import { measureFillFactors } from './growth-fill-factors.js'
import {
  runRound, roundsApart, startContestant, usersOfARound, type Contestant, type Kind
} from './growth-load.js'
import { goalRatio, growthRegion, printGrowth, ratioOf, type Growth, type SizeResult } from './growth-report.js'
import { countUpdates, measureParts, resetUpdates, type Part } from './growth-sizes.js'
import { enrolCrowd } from './growth-users.js'
import { writeRegion } from './page-region.js'
import { openScope, untilStopped, type Scope } from './scope.js'

const { values } = parseArgs({
  options: {
    sizes: { type: 'string', default: '1000,100000,1000000,10000000' },
    rounds: { type: 'string', default: '9' },
    write: { type: 'boolean', default: false }
  }
})
const sizes = values.sizes.split(',').map(Number).sort((a, b) => a - b)
const rounds = Number(values.rounds)
if (!sizes.every(size => Number.isSafeInteger(size) && size >= 1000)) throw new RangeError('--sizes= takes numbers from 1000')
if (!(rounds >= 3)) throw new RangeError('--rounds= takes 3 or more')

const start = Date.parse('2026-01-01T00:00:00Z')
const key = randomBytes(32).toString('base64')
// Users whose codes are known, in each table but the smallest: a thousand for each of five rounds.
const knownUsers = 5 * usersOfARound
// A dozen connections work at a time. Everything else is as a server of this size has it.
const settings = [
  'shared_buffers=4GB', 'effective_cache_size=12GB', 'maintenance_work_mem=1GB', 'max_wal_size=8GB',
  'wal_level=minimal', 'max_wal_senders=0', 'autovacuum=off'
]
/** Of tables, indexes and what the server writes beside them, generously. */
const bytesOnDisk = { perUser: 1100, beside: 10e9 }
// Of a machine with nothing else to do, by experience.
const usersPerSecond = 40_000

await untilStopped(async scope => {
  await checkSpace()
  const postgres = await startOwnPostgres(scope, settings)
  const contestants: Filled[] = []
  for (const size of sizes) contestants.push(await fill(scope, await postgres.createDatabase(), size))
  const rates = await runRounds(scope, contestants)
  const results: SizeResult[] = []
  for (const [index, { db, size, parts }] of contestants.entries()) {
    results.push({ size, parts, updates: await countUpdates(db), rates: rates[index]! })
  }
  const growth: Growth = { results, fillFactors: await measureFillFactors(scope, postgres, { key, start }) }
  printGrowth(growth)
  if (values.write) await writeRegion(growthRegion(growth))
  for (const result of results) {
    const missed = (['right', 'wrong'] as const).filter(kind => ratioOf(growth, result, kind) < goalRatio)
    if (missed.length === 0) continue
    console.error(`${result.size} users: less than ${goalRatio} of the smallest table's rate (${missed.join()} codes)`)
    process.exitCode = 1
  }
})

async function checkSpace (): Promise<void> {
  const users = sizes.reduce((sum, size) => sum + size, 0)
  const needed = users * bytesOnDisk.perUser + bytesOnDisk.beside
  const { bavail, bsize } = await statfs(tmpdir())
  const free = bavail * bsize
  if (free < needed) throw new Error(`${tmpdir()} needs ${count(needed / 1e9)} GB, and has ${count(free / 1e9)}`)
  const seconds = users / usersPerSecond + (rounds + 1) * sizes.length * 5 + 120
  console.log(`About ${Math.ceil(seconds / 60)} minutes, and up to ${count(needed / 1e9)} GB in ${tmpdir()} until it ends`)
}

interface Filled extends Omit<Contestant, 'origin' | 'setClock'> {
  readonly url: string
  readonly db: Kysely<TwoFactorDatabase>
  readonly parts: readonly Part[]
}

async function fill (scope: Pick<Scope, 'teardown'>, url: string, size: number): Promise<Filled> {
  const db = openDatabase(scope, url)
  await migrate(db)
  const begin = performance.now()
  let told = begin
  const users = [...await enrolCrowd(db, {
    size,
    known: Math.min(size, knownUsers),
    key,
    enrolledAt: start,
    onProgress (users) {
      if (performance.now() - told < 20_000) return
      told = performance.now()
      const left = (told - begin) / users * (size - users) / 60_000
      console.log(`  ${count(users)} of ${count(size)} users, ${left.toFixed(1)} minutes left`)
    }
  })]
  await sql`vacuum analyze`.execute(db)
  await sql`checkpoint`.execute(db)
  const parts = await measureParts(db, size)
  await resetUpdates(db)
  console.log(`${count(size)} users: made in ${count((performance.now() - begin) / 1000)} s`)
  return { url, db, size, users, parts }
}

/** Every table in turn, round after round. @returns The rates of each. */
async function runRounds (
  scope: Pick<Scope, 'teardown'>, filled: readonly Filled[]
): Promise<Array<Record<Kind, number[]>>> {
  const servers = openScope()
  scope.teardown(servers.close)
  const contestants = await Promise.all(filled.map(async one =>
    ({ ...one, ...await startContestant(servers, { url: one.url, key, now: start }) })))
  const rates = contestants.map(() => ({ right: [] as number[], wrong: [] as number[] }))
  for (let round = -1; round < rounds; round++) {
    const now = start + (round + 2) * roundsApart
    for (const kind of ['wrong', 'right'] as const) {
      for (const [index, contestant] of contestants.entries()) {
        const rate = await runRound(contestant, round, now, kind)
        // The first one warms up.
        if (round >= 0) rates[index]?.[kind].push(rate)
      }
    }
    console.log(`Round ${round + 1} of ${rounds}`)
  }
  // A connection that ends tells the server what it has counted.
  await servers.close()
  return rates
}

function count (value: number): string {
  return Math.ceil(value).toLocaleString('en')
}
