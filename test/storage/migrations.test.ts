import { sql, type Kysely } from 'kysely'
import t from 'tap'
import { applyMigrations } from '../../plugin/storage/applied-migrations.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate, migrations } from '../../plugin/storage/migrate.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import { locksOf } from '../helpers/locks.js'
import { connect, openPostgres, startPostgres } from '../helpers/postgres.js'
import { enabled, rules } from './contract.js'
import { checkLaterVersion } from './later-version.js'
import { fillLevel } from './levels.js'
import { breachesOf } from './migration-rules.js'
import { nextMigration, nextMigrations } from './next-migration.js'

const server = await startPostgres(t)

t.test('each migration keeps to the rules, on tables that have rows', async t => {
  const db = connect(t, await server.createDatabase())
  for (const [index, migration] of Object.values({ ...migrations, nextMigration }).entries()) {
    t.same(await breachesOf(db, migration), [], `${Object.keys(nextMigrations)[index]}`)
    await fillLevel(db, index + 1, [`user-${index}`], new Date())
  }
})

t.test('what breaks them is noticed', async t => {
  const cases = {
    'alter table two_factor_users drop column created_at': /created_at is another column, or gone/,
    'alter table two_factor_users rename column generation to epoch': /generation is another column, or gone/,
    'alter table two_factor_users alter column failed_attempts type bigint': /failed_attempts is another column/,
    'alter table two_factor_users alter column enabled_at set not null': /enabled_at is another column/,
    'alter table two_factor_users alter column generation drop default': /generation is another column/,
    'alter table two_factor_users add column x integer not null': /x has no default/,
    'alter table two_factor_users add column x uuid not null default gen_random_uuid()': /two_factor_users is written anew/,
    'create index x on two_factor_events (at)': /x is new on a table/,
    'alter table two_factor_events add check (type is not null)': /check is new on a table/,
    'alter table two_factor_passes add foreign key (user_id) references two_factor_users': /is a foreign key/,
    'create table two_factor_x (id text primary key)': /does not begin with user_id/,
    'create table two_factor_x (user_id text primary key, mail text unique)': /does not begin with user_id/,
    'drop table two_factor_events': /two_factor_events is written anew, or gone/
  }
  for (const [statement, breach] of Object.entries(cases)) {
    const db = await openPostgres(t, server)
    const up = async (db: Kysely<unknown>) => { await sql.raw(statement).execute(db) }
    t.match((await breachesOf(db, { up, down: up })).join('\n'), breach, statement)
  }
})

t.test('a backup that reads all tables for long holds up the migration, and nobody else', async t => {
  const url = await server.createDatabase()
  const [db, backup, migrating] = [connect(t, url), connect(t, url, 1), connect(t, url, 1)]
  await migrate(db)
  const storage = kyselyStorage(db)
  await enabled(storage)
  let done = false
  let migration: Promise<void> | undefined
  await backup.transaction().execute(async reading => {
    for (const table of ['users', 'passes'] as const) await reading.selectFrom(`two_factor_${table}`).selectAll().execute()
    migration = applyMigrations(migrating, nextMigrations).then(() => { done = true })
    // Until it has tried to change a table twice, with a statement of a sign-in behind it each time.
    for (let waits = 0; waits < 2;) {
      if (await isWaiting(db)) {
        t.match(await storage.claimAttempt('ada', rules), { granted: true })
        t.equal(done, false)
        waits++
        while (await isWaiting(db));
      }
    }
  })
  await migration
  t.equal(done, true, 'once the backup is over')
  await storage.unlock('ada')
  t.match(await storage.claimAttempt('ada', rules), { granted: true })
})

/** Whether somebody waits for a lock on a table that excludes everybody. */
async function isWaiting (db: Kysely<TwoFactorDatabase>): Promise<boolean> {
  return (await locksOf(db)).some(({ mode, granted }) => mode === 'AccessExclusiveLock' && !granted)
}

t.test('a database of the next version: the processes of this one start on it, and serve', async t => {
  const url = await server.createDatabase()
  await checkLaterVersion(t, connect(t, url), connect(t, url))
})

t.test('a migration that fails has written nothing, and is made the next time', async t => {
  const db = connect(t, await server.createDatabase())
  const failing = { ...nextMigration, up: async (db: Kysely<unknown>) => { await nextMigration.up(db); throw new Error('too late') } }
  await t.rejects(applyMigrations(db, { ...migrations, two_factor_9999_next: failing }), { message: 'too late' })
  await t.rejects(kyselyStorage(db).sampleSecret(), { code: 'FST_2FA_BAD_OPTION' })
  await migrate(db)
  t.equal(await kyselyStorage(db).sampleSecret(), undefined)
})
