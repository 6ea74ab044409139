import { randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import t from 'tap'
import { measureParts } from '../bench/growth-sizes.js'
import { enrolCrowd, userTables } from '../bench/growth-users.js'
import { openPostgres, startPostgres } from '../helpers/postgres.js'
import { keepRegion } from './regions.js'
import { documentedBytes, measuredVerifies, sizing } from './sizing.js'

const size = 20_000

/** Enrols so many that the pages of the tables are full. */
async function measureBytes (): Promise<number> {
  const db = await openPostgres(t, await startPostgres(t))
  await enrolCrowd(db, { size, known: 0, key: randomBytes(32).toString('base64'), enrolledAt: Date.now() })
  for (const table of userTables) await sql`vacuum ${sql.table(table)}`.execute(db)
  const parts = await measureParts(db, size)
  return Math.round(parts.reduce((sum, { bytesPerUser }) => sum + bytesPerUser, 0) / 10) * 10
}

t.test('the sizing is computed from the figures of the page on performance, and bytes that are there', async t => {
  const bytes = process.env.WRITE_DOCS === 'true' ? await measureBytes() : documentedBytes()
  t.ok(bytes > 500 && bytes < 10_000, `${bytes} bytes`)
  keepRegion(t, 'docs/scaling.md', 'sizing', sizing({ ...measuredVerifies(), bytes }))
})
