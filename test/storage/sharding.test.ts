import { readFileSync } from 'node:fs'
import { sql } from 'kysely'
import t from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import type { TwoFactorStorage } from '../../plugin/storage/storage.js'
import { keepRegion } from '../docs/regions.js'
import { emptyTables } from '../helpers/empty-tables.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { enabled, later, now, pass } from './contract.js'
import { checkEverything } from './every-contract.js'
import { partitionOf, partitions, partitionTables, userTables } from './partitions.js'
import { shardTable, twiceChanging, type Statement } from './shard-table.js'
import { isOfOneUser, planOf, record } from './shards.js'

const server = await startPostgres(t)
const url = await server.createDatabase()
const [one, other] = [record(url), record(url)]
t.teardown(() => Promise.all([one, other].map(({ db }) => db.destroy())))
await migrate(one.db)

t.test('every primary and unique key begins with the user id, so that each shard can hold it alone', async t => {
  const { rows } = await sql<{ table: string, first: string, constraint: string }>`
    select t.relname as table, i.indexrelid::regclass as constraint,
      (select attname from pg_attribute where attrelid = t.oid and attnum = i.indkey[0]) as first
    from pg_index i join pg_class t on t.oid = i.indrelid
    where i.indisunique and t.relname in (${sql.join(await userTables(one.db))})`.execute(one.db)
  t.same(new Set(rows.map(({ table }) => table)), new Set(await userTables(one.db)), 'each table has one')
  for (const { first, constraint } of rows) t.equal(first, 'user_id', constraint)
})

t.test('the page on scaling distributes every table', async t => {
  const page = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8')
  const distributed = page.matchAll(/^select create_distributed_table\('(\w+)', 'user_id'/gm)
  t.same([...distributed].map(([, table = '']) => table).toSorted(), (await userTables(one.db)).toSorted())
})

t.test(`the storage keeps its promises on tables in ${partitions} parts by the hash of the user id`, async t => {
  await partitionTables(one.db)
  await checkEverything(t, async () => {
    await emptyTables(one.db)
    return [one.storage, other.storage]
  })
})

t.test('so does the pruning of each table', async t => {
  await emptyTables(one.db)
  await enabled(one.storage)
  const usedCode = { authenticatorId: 'phone', fingerprint: Buffer.from('f'), until: later(60) }
  await one.storage.burnCode('ada', { usedCode, step: 500, now })
  const device = { id: 'laptop', tokenHash: Buffer.from('t'), label: 'Firefox', createdAt: now, expiresAt: later(60) }
  await one.storage.trustDevice('ada', { device, passIdHash: pass().idHash, now })
  for (const table of ['passes', 'used_codes', 'trusted_devices'] as const) {
    t.same(await one.storage.pruneExpired(table, { now: later(9999), limit: 10 }), { deleted: 1, last: 'ada' }, table)
  }
})

t.test('each statement of a call for one user looks at one part alone, that of the user', async t => {
  const all = Object.keys(one.storage) as Array<keyof TwoFactorStorage>
  const statements: Statement[] = []
  for (const sent of [...one.sent(), ...other.sent()]) {
    const { method, userId } = sent
    const plan = await planOf(one.db, sent)
    statements.push({ method, plan })
    if (!isOfOneUser(method)) continue
    if (userId === undefined) throw new Error(`${method}: whose call is that?`)
    const inserts = plan.changes.every(({ verb }) => verb === 'insert') && plan.reads.size === 0
    const home = [await partitionOf(one.db, userId)]
    t.same([...plan.shards], inserts ? [] : home, `${method}: ${sent.sql}`)
    if (inserts) t.ok(sent.parameters.includes(userId), `${method}: ${sent.sql}`)
  }
  t.same(new Set(statements.map(({ method }) => method)), new Set(all), 'of every call')
  keepRegion(t, 'docs/scaling.md', 'statements', shardTable(statements))
  const twice = twiceChanging(statements).map(method => `\`${method}\``)
  keepRegion(t, 'docs/scaling.md', 'twice', `Those are ${twice.slice(0, -1).join(', ')} and ${twice.at(-1)}.`)
})

t.test('it does so on a database that is serializable, whose conflicts it takes upon itself', async t => {
  const strict = new URL(await server.createDatabase())
  strict.searchParams.set('options', '-c default_transaction_isolation=serializable')
  const [db, second] = [connect(t, strict.href), connect(t, strict.href)]
  await migrate(db)
  t.match(await sql`show transaction_isolation`.execute(db), { rows: [{ transaction_isolation: 'serializable' }] })
  await checkEverything(t, async () => {
    await emptyTables(db)
    return [kyselyStorage(db), kyselyStorage(second)]
  })
})
