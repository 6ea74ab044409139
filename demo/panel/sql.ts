/** What a statement does to which tables of the package, such as `update users, insert events`: changes come first. */
export function summary (sql: string): string {
  const changed = new Map<string, string[]>()
  const read = new Set<string>()
  for (const [, verb = '', table = ''] of sql.matchAll(/\b(insert into|update|delete from|from|join|using) "?two_factor_(\w+)/g)) {
    const [word = ''] = verb.split(' ', 1)
    if (['insert', 'update', 'delete'].includes(word)) {
      changed.set(word, [...changed.get(word)?.filter(other => other !== table) ?? [], table])
    } else read.add(table)
  }
  // What a statement changes it has to find first.
  for (const table of [...changed.values()].flat()) read.delete(table)
  if (read.size > 0) changed.set('read', [...read])
  return [...changed].map(([verb, tables]) => `${verb} ${tables.join(', ')}`).join('; ') || sql
}

/** A line for each clause. Kysely writes keywords in lower case and quotes every name. */
export function lines (sql: string): string {
  return sql.replace(/ (?=(?:with|select|from|where|set|values|returning|order by|limit|on conflict|left join|inner join|union all|insert into|update "|delete from)\b)/g, '\n')
}
