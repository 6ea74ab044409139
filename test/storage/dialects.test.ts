import {
  DummyDriver, Kysely, MssqlAdapter, MysqlAdapter, MysqlQueryCompiler, PostgresAdapter, SqliteAdapter,
  type DialectAdapter, type DialectAdapterBase
} from 'kysely'
import t from 'tap'
import { dialectOf } from '../../plugin/storage/dialects/detect.js'
import { mysql } from '../../plugin/storage/dialects/mysql.js'
import { postgres } from '../../plugin/storage/dialects/postgres.js'
import { sqlite } from '../../plugin/storage/dialects/sqlite.js'
import { plainValues } from '../../plugin/storage/dialects/values.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'

function instance<Database> (adapter: DialectAdapter): Kysely<Database> {
  return new Kysely<Database>({
    dialect: {
      createAdapter: () => adapter,
      createDriver: () => new DummyDriver(),
      createIntrospector: () => { throw new Error('Nobody asked') },
      createQueryCompiler: () => new MysqlQueryCompiler()
    }
  })
}

t.test('the dialect of an instance is found by what its adapter says of the database', async t => {
  // As a dialect of others has it, on a copy of Kysely of its own.
  const like = (adapter: DialectAdapterBase) => ({
    supportsReturning: adapter.supportsReturning, supportsTransactionalDdl: adapter.supportsTransactionalDdl
  }) as DialectAdapter
  const known = [[PostgresAdapter, postgres], [SqliteAdapter, sqlite], [MysqlAdapter, mysql]] as const
  for (const [Adapter, dialect] of known) {
    t.equal(dialectOf(instance(new Adapter())), dialect)
    t.equal(dialectOf(instance(like(new Adapter()))), dialect)
    t.equal(dialectOf(instance(new Adapter()).withSchema('auth')), dialect)
    await instance(new Adapter()).transaction().execute(async trx => t.equal(dialectOf(trx), dialect))
  }
})

t.test('another database is refused at once, and so is what is no Kysely instance', async t => {
  const others = [instance(new MssqlAdapter()), {}, undefined, null, 'postgres://x', () => {}] as Array<Kysely<unknown>>
  for (const other of others) {
    t.throws(() => kyselyStorage(other), { code: 'FST_2FA_BAD_OPTION', message: /PostgreSQL, SQLite, MySQL or MariaDB/ })
    await t.rejects(migrate(other), { code: 'FST_2FA_BAD_OPTION' })
  }
})

t.test('rows are the same whatever a driver answers', async t => {
  const bytes = new Uint8Array([9, 1, 2, 9]).subarray(1, 3)
  const drivers = [
    { created_at: 5, locked_until: null, secret: Buffer.from(bytes), generation: 1, name: 'at' },
    { created_at: 5n, locked_until: null, secret: bytes, generation: 1n, name: 'at' },
    { created_at: '5', locked_until: null, secret: bytes.slice().buffer, generation: 1, name: 'at' }
  ]
  for (const row of drivers) {
    const { rows } = await plainValues.transformResult({ queryId: { queryId: '1' }, result: { rows: [row] } })
    t.strictSame(rows, [{ created_at: new Date(5), locked_until: null, secret: Buffer.from([1, 2]), generation: 1, name: 'at' }])
  }
})

t.test('parameters are numbers and buffers, wherever they stand', async t => {
  interface Users { id: string, at: Date, hash: Uint8Array }
  const db = instance<{ users: Users }>(new MysqlAdapter()).withPlugin(plainValues)
  const [at, hash] = [new Date(5), new Uint8Array([9, 1]).subarray(1)]
  const plain = [5, Buffer.from([1])]
  t.strictSame(db.insertInto('users').values({ id: 'a', at, hash }).compile().parameters, ['a', ...plain])
  t.strictSame(db.updateTable('users').set({ at, hash }).where('at', 'in', [at, at]).compile().parameters, [...plain, 5, 5])
  t.strictSame(db.selectFrom('users').select('id').where('hash', '=', hash).where('at', '<', at).compile().parameters, [Buffer.from([1]), 5])
})
