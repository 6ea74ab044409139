import type { Dialect } from 'kysely'

/** The dialect of a connection string that is not PostgreSQL's: `sqlite:` with a path, or `mysql:`. */
export async function otherDialect (url = ''): Promise<Dialect | undefined> {
  if (url.startsWith('sqlite:')) return (await import('./sqlite.js')).sqliteDialect(url.slice('sqlite:'.length))
  if (url.startsWith('mysql:')) return (await import('./mysql.js')).mysqlDialect(url)
  return undefined
}
