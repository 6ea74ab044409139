import { AsyncLocalStorage } from 'node:async_hooks'
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import type { TwoFactorStorage } from '../../plugin/storage/storage.js'

/** A statement that a call of the storage sent. */
export interface Sent {
  readonly method: keyof TwoFactorStorage
  /** Whose call it was, if it was one user's. */
  readonly userId: string | undefined
  readonly sql: string
  readonly parameters: readonly unknown[]
}

export interface Recorder {
  readonly storage: TwoFactorStorage
  readonly db: Kysely<TwoFactorDatabase>
  /** One of each text that a method sent. */
  readonly sent: () => readonly Sent[]
}

/** A storage on a database of PostgreSQL that keeps what it sends. `db` is to be destroyed. */
export function record (connectionString: string): Recorder {
  const caller: Caller = new AsyncLocalStorage()
  const sent = new Map<string, Sent>()
  const pool = new pg.Pool({ connectionString })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  const db = new Kysely<TwoFactorDatabase>({
    dialect: new PostgresDialect({ pool }),
    log ({ query: { sql, parameters } }) {
      const call = caller.getStore()
      if (!call || /^(?:begin|commit|rollback)/i.test(sql)) return
      const key = `${call.method} ${sql}`
      if (!sent.has(key)) sent.set(key, { ...call, sql, parameters })
    }
  })
  return { storage: named(kyselyStorage(db), caller), db, sent: () => [...sent.values()] }
}

type Caller = AsyncLocalStorage<Pick<Sent, 'method' | 'userId'>>

/** The same storage, whose statements are known by the call that sends them. */
function named (storage: TwoFactorStorage, caller: Caller): TwoFactorStorage {
  return new Proxy(storage, {
    get (target, method: keyof TwoFactorStorage) {
      return (...given: unknown[]) => {
        const [first, change] = given
        const userId = typeof first === 'string' && isOfOneUser(method) ? first : undefined
        if (method === 'withEvents') given[1] = (inner: TwoFactorStorage) => (change as (inner: TwoFactorStorage) => unknown)(named(inner, caller))
        return caller.run({ method, userId }, () => (target[method] as (...given: unknown[]) => unknown)(...given))
      }
    }
  })
}

// Those whose first parameter is something else than a user id.
const ofMany: readonly string[] = [
  'countSealed', 'listSealed', 'replaceSealed', 'setKindOfAll', 'listOtherKinds', 'pruneExpired', 'pruneEvents',
  'enableAll', 'countTotals', 'sampleSecret'
]

/** Whether a call is about one user, and so is to be answered by one shard. */
export function isOfOneUser (method: string): boolean {
  return !ofMany.includes(method)
}

/** What a statement does, as PostgreSQL plans it. Tables are without `two_factor_`. */
export interface Plan {
  readonly reads: ReadonlySet<string>
  /** Whose rows it takes with FOR UPDATE. */
  readonly takes: ReadonlySet<string>
  /** In the order in which the statement has them: one may be there more than once. */
  readonly changes: ReadonlyArray<{ readonly verb: string, readonly table: string }>
  /** The partitions that it would look at. */
  readonly shards: ReadonlySet<number>
}

interface Node {
  readonly 'Node Type': string
  readonly 'Relation Name'?: string
  readonly Operation?: string
  readonly 'Target Tables'?: readonly Node[]
  readonly Plans?: readonly Node[]
}

/** Has the statement planned, with its parameters, on tables that are partitioned. */
export async function planOf (db: Kysely<TwoFactorDatabase>, { sql, parameters }: Sent): Promise<Plan> {
  const explain = CompiledQuery.raw(`explain (format json) ${sql}`, [...parameters])
  const { rows } = await db.executeQuery<{ 'QUERY PLAN': ReadonlyArray<{ Plan: Node }> }>(explain)
  const plan = { reads: new Set<string>(), takes: new Set<string>(), changes: [], shards: new Set<number>() }
  for (const { Plan: root } of rows[0]?.['QUERY PLAN'] ?? []) walk(root, plan)
  return plan
}

type Found = { [Key in keyof Plan]: Plan[Key] extends ReadonlySet<infer Item> ? Set<Item> : Array<Plan['changes'][number]> }

function walk (node: Node, found: Found): void {
  const { 'Node Type': type, 'Relation Name': relation, Operation: verb, Plans = [] } = node
  for (const name of [relation, ...node['Target Tables']?.map(target => target['Relation Name']) ?? []]) {
    const shard = name && /_shard_(\d+)$/.exec(name)?.[1]
    if (shard) found.shards.add(Number(shard))
  }
  const table = relation?.replace(/^two_factor_/, '').replace(/_shard_\d+$/, '')
  if (type === 'ModifyTable' && table && verb) found.changes.push({ verb: verb.toLowerCase(), table })
  else if (table) found.reads.add(table)
  if (type === 'LockRows') for (const taken of scansOf(node)) found.takes.add(taken)
  for (const child of Plans) walk(child, found)
}

function scansOf ({ 'Relation Name': relation, Plans = [] }: Node): string[] {
  const own = relation ? [relation.replace(/^two_factor_/, '').replace(/_shard_\d+$/, '')] : []
  return [...own, ...Plans.flatMap(scansOf)]
}
