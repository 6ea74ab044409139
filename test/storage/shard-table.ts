import { isOfOneUser, type Plan, type Sent } from './shards.js'

/** A statement of a call, as it is planned. */
export interface Statement {
  readonly method: Sent['method']
  readonly plan: Plan
}

function isPartOf (part: Plan, whole: Plan): boolean {
  if ((part.changes.length === 0) !== (whole.changes.length === 0)) return false
  const has = (change: Plan['changes'][number]) =>
    whole.changes.some(({ verb, table }) => verb === change.verb && table === change.table)
  return part.changes.every(has) &&
    [...part.reads].every(table => whole.reads.has(table)) && [...part.takes].every(table => whole.takes.has(table))
}

/** Leaves out what is a part of another statement of the same call: without an audit, without a pass. */
function wholeOnes (plans: readonly Plan[]): Plan[] {
  return plans.filter((plan, index) => !plans.some((other, otherIndex) => otherIndex !== index &&
    isPartOf(plan, other) && (!isPartOf(other, plan) || otherIndex < index)))
}

const list = (tables: Iterable<string>) => [...tables].toSorted().map(table => `\`${table}\``).join(', ')

/** "take `users`; read `authenticators`; update `users`; delete, insert `passes`" */
function textOf ({ takes, reads, changes }: Plan): string {
  const changed = [...new Set(changes.map(({ table }) => table))]
  const onlyRead = [...reads].filter(table => !changed.includes(table) && !takes.has(table))
  return [
    ...takes.size > 0 ? [`take ${list(takes)}`] : [],
    ...onlyRead.length > 0 ? [`read ${list(onlyRead)}`] : [],
    ...changed.map(table => {
      const verbs = new Set(changes.filter(change => change.table === table).map(({ verb }) => verb))
      return `${[...verbs].toSorted().join(', ')} \`${table}\``
    })
  ].join('; ')
}

function shardKeyOf (method: Sent['method'], plan: Plan): string {
  if (isOfOneUser(method)) return '`user_id`'
  return plan.shards.size === 0 ? 'those of its users' : 'every shard'
}

/** Each statement with its shard key, as docs/scaling.md has it. */
export function shardTable (statements: readonly Statement[]): string {
  const methods = [...new Set(statements.map(({ method }) => method))]
    .toSorted((one, other) => Number(isOfOneUser(other)) - Number(isOfOneUser(one)) || (one < other ? -1 : 1))
  const rows = methods.map(method => {
    const plans = wholeOnes(statements.filter(statement => statement.method === method).map(({ plan }) => plan))
    const texts = [...new Set(plans.map(textOf))].toSorted()
    const keys = [...new Set(plans.map(plan => shardKeyOf(method, plan)))].toSorted()
    return `| \`${method}\` | ${texts.join('<br>')} | ${keys.join(', ')} |`
  })
  return ['| call of the storage | its statements | shard key |', '| --- | --- | --- |', ...rows].join('\n')
}

/** The calls with a statement that changes one table in two ways, which CockroachDB refuses. */
export function twiceChanging (statements: readonly Statement[]): string[] {
  const twice = statements.filter(({ plan: { changes } }) =>
    new Set(changes.map(({ table }) => table)).size < changes.length)
  return [...new Set(twice.map(({ method }) => method))].toSorted()
}
