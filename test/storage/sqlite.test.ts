import t from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate, migrations } from '../../plugin/storage/migrate.js'
import { connectSqlite, sqliteDialect, sqliteFile } from '../helpers/sqlite.js'
import { enabled, later, now, rules } from './contract.js'
import { checkEverything } from './every-contract.js'
import { checkLaterVersion } from './later-version.js'
import { checkProcesses } from './processes-contract.js'
import { countStatements, documentedStatements } from './statements.js'

t.test('on SQLite', async t => {
  await checkEverything(t, async t => {
    const file = await sqliteFile(t)
    // Both in one process: while one waited inside SQLite, the other could not go on.
    const [db, other] = [connectSqlite(t, file, 0), connectSqlite(t, file, 0)]
    await migrate(db)
    return [kyselyStorage(db), kyselyStorage(other)]
  })
})

t.test('on SQLite, over two processes', async t => {
  const file = await sqliteFile(t)
  const db = connectSqlite(t, file)
  await migrate(db)
  await checkProcesses(t, `sqlite:${file}`, db)
})

t.test('a database of the next version: the processes of this one start on it, and serve', async t => {
  const file = await sqliteFile(t)
  await checkLaterVersion(t, connectSqlite(t, file), connectSqlite(t, file))
})

t.test('another connection that writes is waited for, and no longer than five seconds', async t => {
  const file = await sqliteFile(t)
  const [db, other] = [connectSqlite(t, file, 0), connectSqlite(t, file, 0)]
  await migrate(db)
  const storage = kyselyStorage(db)
  await enabled(storage)
  const writing = await other.startTransaction().execute()
  await writing.updateTable('two_factor_users').set({ failed_attempts: 3 }).execute()
  const claim = storage.claimAttempt('ada', rules)
  t.equal(await storage.isEnabled('ada'), true, 'who reads does not wait')
  await writing.commit().execute()
  t.match(await claim, { granted: true, failedAttempts: 4 })

  const stuck = await other.startTransaction().execute()
  await stuck.updateTable('two_factor_users').set({ failed_attempts: 0 }).execute()
  await t.rejects(storage.claimAttempt('ada', rules), { message: /database is locked/ })
  await stuck.rollback().execute()
  t.match(await storage.findStatus('ada'), { failedAttempts: 4 }, 'and nothing was counted')
})

t.test('tables are strict, and times in them are milliseconds', async t => {
  const db = connectSqlite(t, await sqliteFile(t))
  await migrate(db)
  const storage = kyselyStorage(db)
  await enabled(storage)
  await storage.claimAttempt('ada', { ...rules, limit: 1, locks: [{ count: 1, until: later(0.001) }] })
  const [row] = await db.selectFrom('two_factor_users').selectAll().execute()
  t.match(row, { enabled_at: now.getTime(), locked_until: now.getTime() + 1 })
  await t.rejects(db.updateTable('two_factor_users').set({ locked_until: now.toISOString() as never }).execute(), { message: /TEXT value in INTEGER column/ })
})

t.test('as many statements are sent as the docs say', async t => {
  const file = await sqliteFile(t)
  await migrate(connectSqlite(t, file))
  t.same(await countStatements(sqliteDialect(file)), documentedStatements('SQLite'))
})

t.test('migrations run twice, from several connections at once, on what a killed one left, and down again', async t => {
  const file = await sqliteFile(t)
  await Promise.all(Array.from({ length: 4 }, () => migrate(connectSqlite(t, file, 0))))
  const db = connectSqlite(t, file, 0)
  await migrate(db)
  t.equal(await kyselyStorage(db).sampleSecret(), undefined)
  for (const migration of Object.values(migrations).reverse()) await migration.down?.(db)
  await t.rejects(kyselyStorage(db).sampleSecret(), { code: 'FST_2FA_BAD_OPTION', message: /migrate\(db\)/ })

  const left = connectSqlite(t, await sqliteFile(t))
  for (const name of ['two_factor_0001_initial', 'two_factor_0003_trusted_devices'] as const) await migrations[name]?.up(left)
  await left.schema.alterTable('two_factor_authenticators').addColumn('drift', 'integer', column => column.notNull().defaultTo(0)).execute()
  await t.rejects(kyselyStorage(left).sampleSecret(), { code: 'FST_2FA_BAD_OPTION' })
  await migrate(left)
  await enabled(kyselyStorage(left))
  t.match(await kyselyStorage(left).findStatus('ada'), { authenticators: [{ drift: 0, hint: null }] })
})
