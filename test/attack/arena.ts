import session from '@fastify/session'
import type { FastifyInstance, InjectOptions, Session } from 'fastify'
import { sql, type Kysely } from 'kysely'
import { randomBytes } from 'node:crypto'
import type { Test } from 'tap'
import authenticatorApiServer from '../../plugin/authenticator-api/index.js'
import { bearerProof, kyselyStorage, twoFactorAdmin, type TwoFactorDatabase, type TwoFactorStorage } from '../../plugin/index.js'
import { emptyTables, tables } from '../helpers/empty-tables.js'
import { buildHost, codeAt, createClock, enrol, intercept, signIn, type Client, type Clock, type HostOptions } from '../helpers/host.js'
import type { Target } from './grammar.js'

/** Credentials, as headers. */
export type Persona = Readonly<Record<string, string>>

/** A host under attack, with every route that the package has. */
export interface Arena {
  readonly name: string
  readonly app: FastifyInstance
  readonly targets: readonly Target[]
  /** Calls of the storage that may write. */
  readonly written: string[]
  /** Whether anything in the tables is other than when this was last asked. */
  readonly changed: () => Promise<boolean>
  /** Starts over with an empty database, and says who is there. */
  readonly populate: () => Promise<readonly Persona[]>
}

const readers: ReadonlySet<keyof TwoFactorStorage> = new Set(
  ['isEnabled', 'findStatus', 'findPass', 'findEvents', 'listDevices', 'countSealed', 'countTotals'])

export interface ArenaOptions {
  readonly digits?: number
  /** Told the schema of each route. */
  readonly onRoute?: (schema: unknown) => void
}

interface Parts extends ArenaOptions {
  readonly name: string
  readonly db: Kysely<TwoFactorDatabase>
  readonly options: HostOptions
  readonly people: (app: FastifyInstance, clock: Clock) => Promise<readonly Persona[]>
}

async function open (t: Pick<Test, 'teardown'>, { name, db, options, people, digits = 6, onRoute }: Parts): Promise<Arena> {
  const written: string[] = []
  const targets: Target[] = []
  let content = ''
  const sessions = new Map<string, Session>()
  const { app, clock } = await buildHost(t, {
    storage: intercept(kyselyStorage(db), method => { if (!readers.has(method)) written.push(method) }),
    // It counts, and never refuses.
    rateLimit: { max: 1e9 },
    methods: { word: { label: 'Word', start () {}, check: () => false } },
    trustedDevices: true,
    audit: true,
    clock: createClock(),
    digits,
    session: { store: new session.MemoryStore(sessions) },
    ...options,
    before (app) {
      app.addHook('onRoute', ({ method, url, schema }) => {
        onRoute?.(schema)
        if (!/^\/(log(in|out))/.test(url)) targets.push(...[method].flat().map(method => ({ method, url })))
      })
    },
    async after (app) {
      await app.register(twoFactorAdmin, { prefix: '/back/2fa', policy: true, guard: () => true })
      await app.register(authenticatorApiServer, { prefix: '/api', rateLimit: false })
    }
  })
  return {
    name,
    app,
    targets,
    written,
    async changed () {
      const before = content
      content = await contentOf(db)
      return content !== before
    },
    async populate () {
      await emptyTables(db)
      // This store forgets none by itself.
      sessions.clear()
      clock.advance(3600)
      const personas = await people(app, clock)
      content = await contentOf(db)
      written.length = 0
      return personas
    }
  }
}

/** A digest of every row. */
async function contentOf (db: Kysely<TwoFactorDatabase>): Promise<string> {
  const parts = tables.map(table => sql`select md5(string_agg(t::text, '|' order by t::text)) from ${sql.table(`two_factor_${table}`)} t`)
  const { rows } = await sql<{ content: string }>`select concat_ws(',', ${sql.join(parts.map(part => sql`(${part})`))}) as content`.execute(db)
  return rows[0]?.content ?? ''
}

const cookiesOf = ({ cookies }: Client): Persona => ({
  cookie: Object.entries(cookies).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('; ')
})

/** A host with sessions: somebody without any, with the password alone, in a setup, and past a code. */
export function openSessions (
  t: Pick<Test, 'teardown'>, db: Kysely<TwoFactorDatabase>, given: ArenaOptions = {}
): Promise<Arena> {
  return open(t, {
    ...given,
    name: 'sessions',
    db,
    options: {},
    async people (app, clock) {
      const passed = await enrol({ app, clock })
      const [password, fresh, pending] = await Promise.all(['ada', 'eve', 'bob'].map(user => signIn({ app, clock }, user)))
      await pending?.post('/2fa/setup')
      return [{}, ...[passed.client, password, fresh, pending].flatMap(client => client ? [cookiesOf(client)] : [])]
    }
  })
}

/** An API with tokens, likewise. */
export function openBearer (
  t: Pick<Test, 'teardown'>, db: Kysely<TwoFactorDatabase>, given: ArenaOptions = {}
): Promise<Arena> {
  return open(t, {
    ...given,
    name: 'bearer',
    db,
    options: {
      proof: bearerProof(),
      trustedDevices: false,
      getUser ({ headers: { authorization = '' } }) {
        const [, id] = /^Bearer (\w{1,20})\./.exec(authorization) ?? []
        return id === undefined ? null : { id, label: id }
      }
    },
    async people (app, clock) {
      const credentials = (user: string) => ({ authorization: `Bearer ${user}.${randomBytes(8).toString('hex')}` })
      const ada = credentials('ada')
      const post = async (url: string, payload: InjectOptions['payload'] = {}) =>
        (await app.inject({ method: 'POST', url, payload, headers: ada })).json<Record<string, string>>()
      const { secret = '', setupToken } = await post('/2fa/setup')
      const { proofToken = '' } = await post('/2fa/setup/confirm', { code: codeAt(secret, clock), setupToken })
      return [{}, { ...ada, 'two-factor-proof': proofToken }, credentials('ada'), credentials('eve')]
    }
  })
}
