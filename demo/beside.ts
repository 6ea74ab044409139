import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Account } from './accounts.js'
import type { Demo } from './app.js'
import { guide } from './guide/guide.js'
import { createProgress, type Progress } from './guide/progress.js'
import type { Deed } from './guide/steps.js'
import { readVisitor, type Visitor } from './guide/visitor.js'
import type { Html } from './html.js'
import { panel } from './panel/panel.js'
import { createTape, onTape, type Tape } from './panel/recording.js'
import { readRows } from './panel/rows.js'
import { createTraces, type Traces } from './panel/traces.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** What the demo tells about itself. Absent where it is told not to. */
    beside?: Beside
  }
}

/** The guide and the panel of one request. */
export interface Beside {
  /** Notes what the visitor did, for the guide. */
  readonly note: (deed: Deed) => void
  /** For a page, by its name. */
  readonly parts: (page: BesidePage) => Promise<{ readonly guide: Html, readonly panel: Html }>
}

interface BesidePage {
  /** Of a page of the package. */
  readonly name?: string | undefined
  /** Whether the database may be asked: not once it has failed. */
  readonly reads: boolean
}

interface Tracked {
  readonly visitor: Visitor
  readonly progress: Progress
  readonly tape: Tape
}

/** A request that wants its guide and panel. */
interface Asked extends Tracked {
  readonly request: FastifyRequest
  readonly page: BesidePage
  readonly traces: Traces
}

type Parts = Pick<Demo, 'config' | 'db' | 'clock'>

/** Puts a guide and a panel beside the pages of this context. It needs cookies and sessions. */
export function besidePages (app: FastifyInstance, parts: Parts): void {
  const traces = createTraces()
  const { secure } = parts.config
  const cookieName = secure ? '__Host-demo' : 'demo'
  const tracked = new WeakMap<FastifyRequest, Tracked>()

  app.decorateRequest('beside')
  app.addHook('onRequest', (request, _reply, done) => {
    const visitor = readVisitor(request.cookies[cookieName], parts.clock())
    const known = { visitor, progress: createProgress(visitor), tape: tapeOf(request, visitor, traces, parts.clock()) }
    tracked.set(request, known)
    request.beside = {
      note: known.progress.note,
      parts: page => onTape(undefined, () => partsOf(app, parts, { request, page, traces, ...known }))
    }
    onTape(known.tape, done)
  })
  // The body arrives in the context of the connection.
  app.addHook('preValidation', (request, _reply, done) => onTape(tracked.get(request)?.tape, done))
  app.addHook('onSend', async (request, reply) => {
    const cookie = tracked.get(request)?.progress.cookie()
    if (cookie === undefined || cookie === request.cookies[cookieName]) return
    reply.setCookie(cookieName, cookie, { path: '/', httpOnly: true, sameSite: 'lax', secure })
  })
}

function tapeOf (request: FastifyRequest, { id }: Visitor, traces: Traces, now: number): Tape {
  const [path = ''] = request.url.split('?', 1)
  return createTape(`${request.method} ${path.slice(0, 100)}`, new Date(now), recording =>
    traces.add(id, request.session?.account?.id, recording))
}

async function partsOf (
  app: FastifyInstance,
  { config, db }: Parts,
  { request, page: { name, reads }, visitor, progress, tape, traces }: Asked
) {
  const { account } = request.session ?? {}
  const state = account && reads ? await stateOf(app, account, visitor.since).catch(() => undefined) : undefined
  const enabled = state?.enabled ?? false
  if (account) progress.note('signed-in')
  if (enabled && name !== 'recovery-codes') progress.note('codes-left')
  const situation = progress.update({
    signedIn: account !== undefined,
    staff: account?.role === 'admin',
    enabled,
    // Some are not written down, such as that a setup was started.
    events: [...state?.events ?? [], ...tape.recording.events.map(({ type }) => type)],
    sampleAccounts: !config.secure
  })
  const tables = account && state
    ? await readRows(db, account.id, !enabled || request.twoFactor.verified).catch(() => undefined)
    : undefined
  return {
    guide: guide(situation, progress.done),
    panel: panel(traces.look(visitor.id, account?.id, tables), situation.signedIn)
  }
}

/** What the package knows of the account, by its back office: to ask as the visitor could let a trusted device pass. */
async function stateOf ({ twoFactor }: FastifyInstance, { id }: Account, since: number) {
  const [{ enabled }, events] = await Promise.all([twoFactor.status(id), twoFactor.events(id, { limit: 100 })])
  return { enabled, events: events.filter(({ at }) => at.getTime() >= since).map(({ type }) => type) }
}
