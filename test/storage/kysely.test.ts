import { PostgresDialect } from 'kysely'
import pg from 'pg'
import t from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate, migrations } from '../../plugin/storage/migrate.js'
import { emptyTables } from '../helpers/empty-tables.js'
import { openPglite } from '../helpers/pglite.js'
import { connect, openPostgres, startPostgres } from '../helpers/postgres.js'
import { checkEverything } from './every-contract.js'
import { countStatements, documentedStatements } from './statements.js'

const server = await startPostgres(t)

t.test('on PostgreSQL', async t => {
  const url = await server.createDatabase()
  const [db, other] = [connect(t, url), connect(t, url)]
  await migrate(db)
  await checkEverything(t, async () => {
    await emptyTables(db)
    return [kyselyStorage(db), kyselyStorage(other)]
  })
})

t.test('on PGlite', async t => {
  await checkEverything(t, async () => {
    const storage = kyselyStorage(await openPglite())
    return [storage, storage]
  })
})

t.test('as many statements are sent as the docs say', async t => {
  const pool = new pg.Pool({ connectionString: await server.createDatabase() })
  await migrate(connect(t, pool.options.connectionString ?? ''))
  t.same(await countStatements(new PostgresDialect({ pool })), documentedStatements('PostgreSQL'))
})

t.test('migrations run twice, and from several processes at once', async t => {
  const url = await server.createDatabase()
  await Promise.all(Array.from({ length: 4 }, () => migrate(connect(t, url))))
  await migrate(connect(t, url))
  t.equal(await kyselyStorage(connect(t, url)).isEnabled('ada'), false)
})

t.test('a database of the first version is told from one of today, and upgraded', async t => {
  const url = await server.createDatabase()
  const db = connect(t, url)
  await migrations.two_factor_0001_initial?.up(db)
  await db.insertInto('two_factor_users').values({ user_id: 'ada', enabled_at: new Date(), created_at: new Date() }).execute()
  await t.rejects(kyselyStorage(db).sampleSecret(), { code: 'FST_2FA_BAD_OPTION', message: /migrate\(db\)/ })
  await migrate(db)
  t.equal(await kyselyStorage(db).sampleSecret(), undefined)
  t.equal(await kyselyStorage(db).isEnabled('ada'), true)
})

t.test('migrations go down again', async t => {
  const db = await openPostgres(t, server)
  for (const migration of Object.values(migrations).reverse()) await migration.down?.(db)
  await t.rejects(kyselyStorage(db).sampleSecret(), { code: 'FST_2FA_BAD_OPTION', message: /migrate\(db\)/ })
})
