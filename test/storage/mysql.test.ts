import { sql } from 'kysely'
import t from 'tap'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate, migrations } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { emptyTables } from '../helpers/empty-tables.js'
import { connectMysql, mysqlDialect, name, skip, startMysql } from '../helpers/mysql.js'
import { authenticator, enabled, now, pass, rules } from './contract.js'
import { checkEverything } from './every-contract.js'
import { checkLaterVersion } from './later-version.js'
import { checkProcesses } from './processes-contract.js'
import { countStatements, documentedStatements } from './statements.js'

t.test(`on ${name}`, { skip }, async t => {
  const server = await startMysql(t)
  const url = await server.createDatabase()
  const [db, other] = [connectMysql(t, url), connectMysql(t, url)]
  await migrate(db)

  await t.test(server.version, t => checkEverything(t, async () => {
    await emptyTables(db)
    return [kyselyStorage(db), kyselyStorage(other)]
  }))

  await t.test('a database of the next version: the processes of this one start on it, and serve', async t => {
    const url = await server.createDatabase()
    await checkLaterVersion(t, connectMysql(t, url), connectMysql(t, url))
  })

  await t.test('over two processes', async t => {
    await emptyTables(db)
    await checkProcesses(t, url, db)
  })

  await t.test('as many statements are sent as the docs say', async t => {
    await emptyTables(db)
    t.same(await countStatements(mysqlDialect(url)), documentedStatements('MySQL'))
  })

  await t.test('times and counts do not hang on how the driver is set up', async t => {
    await emptyTables(db)
    const odd = { timezone: '+09:00', dateStrings: true, supportBigNumbers: true, bigNumberStrings: true, charset: 'latin1_swedish_ci', flags: ['-FOUND_ROWS'] }
    const storage = kyselyStorage(connectMysql(t, url, odd))
    await enabled(storage, 'zoë')
    t.equal(await kyselyStorage(db).isEnabled('zoë'), true)
    await storage.claimAttempt('zoë', { ...rules, limit: 1 })
    for (const each of [storage, kyselyStorage(db)]) {
      t.match(await each.findStatus('zoë'), { enabledAt: now, failedAttempts: 1, authenticators: [{ lastStep: 100, createdAt: now }] })
      t.match(await each.findPass('zoë', pass().idHash), { passedAt: now })
    }
    t.equal(await storage.acceptStep('zoë', { authenticatorId: 'phone', step: 101, now }), true)
    t.equal(await storage.acceptStep('zoë', { authenticatorId: 'phone', step: 101, now }), false)
  })

  await t.test('neighbours of a user do not wait for each other', async t => {
    await emptyTables(db)
    const storage = kyselyStorage(db)
    await storage.enableAll(['a', 'c'].map(userId => ({ userId, authenticator: authenticator(), salt: Buffer.of(1) })))
    let release = () => {}
    const released = new Promise<void>(resolve => { release = resolve })
    const holding = await new Promise<{ done: Promise<unknown> }>(resolve => {
      const done = kyselyStorage(other).withEvents('c', async storage => {
        await storage.acceptStep('c', { authenticatorId: 'phone', step: 101, now, pass: pass('held') })
        resolve({ done })
        await released
      }, () => [])
    })
    await enabled(storage, 'b')
    t.equal(await storage.acceptStep('a', { authenticatorId: 'phone', step: 101, now, pass: pass('a') }), true)
    t.equal(await storage.findPass('c', pass('held').idHash), undefined)
    release()
    await holding.done
    t.ok(await storage.findPass('c', pass('held').idHash))
  })

  await t.test('what met a deadlock is done again, and is done once', async t => {
    await emptyTables(db)
    const storage = kyselyStorage(db)
    await enabled(storage)
    await enabled(storage, 'eve')
    const crossing = await other.startTransaction().execute()
    await crossing.updateTable('two_factor_authenticators').set({ drift: 1 }).where('user_id', '=', 'ada').execute()
    // The one that changed more wins. Rows of a table that was empty count as one.
    const row = (id: number) => ({ id: String(id), type: 'x', at: now, ip: null, detail: null })
    await storage.recordEvents('eve', [row(0)])
    await kyselyStorage<TwoFactorDatabase>(crossing).recordEvents('eve', Array.from({ length: 200 }, (_, index) => row(index + 1)))
    const resetting = storage.reset('ada')
    await untilRuns('delete from `two_factor_authenticators`%')
    await crossing.updateTable('two_factor_users').set({ failed_attempts: 2 }).where('user_id', '=', 'ada').execute()
    await crossing.commit().execute()
    t.equal(await resetting, true)
    t.match(await storage.findStatus('ada'), { enabledAt: null, failedAttempts: 0, authenticators: [] })
  })

  /** Until another connection is at such a statement. */
  async function untilRuns (statement: string): Promise<void> {
    const running = sql`select id from information_schema.processlist where info like ${statement}`
    while ((await running.execute(db)).rows.length === 0);
  }

  await t.test('migrations run twice, from several processes at once, on what a killed one left, and down again', async t => {
    const fresh = await server.createDatabase()
    await Promise.all(Array.from({ length: 4 }, () => migrate(connectMysql(t, fresh))))
    const db = connectMysql(t, fresh)
    await migrate(db)
    t.equal(await kyselyStorage(db).sampleSecret(), undefined)
    for (const migration of Object.values(migrations).reverse()) await migration.down?.(db)
    await t.rejects(kyselyStorage(db).sampleSecret(), { code: 'FST_2FA_BAD_OPTION', message: /migrate\(db\)/ })

    const left = connectMysql(t, await server.createDatabase())
    for (const name of ['two_factor_0001_initial', 'two_factor_0003_trusted_devices'] as const) await migrations[name]?.up(left)
    await left.schema.alterTable('two_factor_authenticators').addColumn('drift', 'integer', column => column.notNull().defaultTo(0)).execute()
    await migrate(left)
    await enabled(kyselyStorage(left))
    t.match(await kyselyStorage(left).findStatus('ada'), { authenticators: [{ drift: 0, hint: null }] })
  })
})
