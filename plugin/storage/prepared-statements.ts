import { preparedName } from './remembered.js'

type Query = (...given: unknown[]) => unknown

/** What is needed of a pool of `pg`. */
export interface StatementPool {
  on: (event: 'connect', listener: (client: { query: Query }) => void) => unknown
}

/**
 * Has PostgreSQL prepare the statements around each code once for a connection, which is about half of its work for
 * a sign-in: `prepareStatements(pool)`, before the pool is used. What else the host sends is left alone.
 *
 * Prepared statements belong to a connection. A pooler in transaction mode has to know of them: PgBouncer from 1.21 on,
 * with `max_prepared_statements` above 0. Through an older one do not call this.
 *
 * @param pool - Of `pg`. It is given to the `PostgresDialect` of Kysely.
 */
export function prepareStatements<Pool extends StatementPool> (pool: Pool): Pool {
  pool.on('connect', client => {
    const query = client.query.bind(client)
    client.query = (text, values, ...rest) => {
      const name = typeof text === 'string' ? preparedName(text) : undefined
      return name === undefined ? query(text, values, ...rest) : query({ name, text, values }, ...rest)
    }
  })
  return pool
}
