import type { FastifyInstance } from 'fastify'
import { PostgresDialect, type Kysely } from 'kysely'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'
import pg from 'pg'
import type { Test } from 'tap'
import { buildApp, type Demo } from '../../demo/app.js'
import { openChecker, type Checker } from '../../demo/checker.js'
import type { DemoConfig } from '../../demo/config.js'
import { connect, migrate, type DemoDatabase } from '../../demo/database.js'
import { createClock, encryptionKeys, type Clock } from './host.js'
import type { PostgresServer } from './postgres.js'

export type DemoOptions = Partial<Demo['config'] & Pick<DemoConfig, 'verifier' | 'authenticatorApiUrl'>>

export interface OpenDemo {
  readonly app: FastifyInstance
  readonly clock: Clock
  readonly checker: Checker
  /** Paths that the demo asked the compatible server for. */
  readonly asked: string[]
}

/** The demo at a time of its own, until `t` ends. It listens nowhere yet. */
export async function openDemo (
  t: Pick<Test, 'teardown'>,
  db: Kysely<DemoDatabase>,
  { verifier = 'local', authenticatorApiUrl, ...config }: DemoOptions = {}
): Promise<OpenDemo> {
  const clock = createClock(new Date().toISOString())
  const checker = await openChecker({ verifier, authenticatorApiUrl }, clock)
  t.teardown(() => checker.close())
  const app = await buildApp({
    config: { encryptionKeys, sessionSecret: 'x'.repeat(32), secure: false, passwordCost: 2 ** 10, ...config }, db, checker, clock
  })
  app.log.level = 'silent'
  t.teardown(() => app.close())
  return { app, clock, checker, asked: noteRequests(t, checker.where('authenticator-api')) }
}

/** Empty tables of the demo, on a database of their own. */
export async function openDemoDatabase (
  t: Pick<Test, 'teardown'>, postgres: PostgresServer
): Promise<Kysely<DemoDatabase>> {
  const pool = new pg.Pool({ connectionString: await postgres.createDatabase(), connectionTimeoutMillis: 1_000 })
  pool.on('error', () => {})
  pool.on('connect', client => client.on('error', () => {}))
  const db = connect(new PostgresDialect({ pool }))
  t.teardown(() => db.destroy())
  await migrate(db)
  return db
}

/** Notes what the server at this address, in this process, is asked for. */
function noteRequests (t: Pick<Test, 'teardown'>, address: string): string[] {
  const port = Number(address.match(/:(\d+)$/)?.[1])
  const asked: string[] = []
  const note = (message: unknown) => {
    const { request } = message as { request: IncomingMessage }
    if (request.socket.localPort === port) asked.push(request.url?.split('?', 1)[0] ?? '')
  }
  subscribe('http.server.request.start', note)
  t.teardown(() => unsubscribe('http.server.request.start', note))
  return asked
}
