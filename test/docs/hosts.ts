import cookie from '@fastify/cookie'
import session from '@fastify/session'
import Fastify, { type RouteHandlerMethod } from 'fastify'
import type { Test } from 'tap'
import { kyselyStorage, type TwoFactorOptions } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { createClock, encryptionKeys, type Host } from '../helpers/host.js'
import { load } from './snippets.js'

export const handler: RouteHandlerMethod = async () => 'in'

/** Does what a snippet does that is the body of a function. */
export async function body<Given extends unknown[]> (name: string, ...given: Given): Promise<unknown> {
  const { default: run } = await load<{ default: (...given: Given) => unknown }>(name)
  return run(...given)
}

/** An app with sessions and a login, for a snippet that registers the plugin itself, with options for that. */
export async function bareApp (t: Test): Promise<Host & { readonly options: TwoFactorOptions }> {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(cookie)
  await app.register(session, { secret: 'x'.repeat(32), cookie: { secure: false } })
  app.post<{ Params: { user: string } }>('/login/:user', async request => {
    const { user } = request.params
    request.session.user = { id: user, label: user }
    return {}
  })
  const clock = createClock()
  const storage = kyselyStorage(await openDatabase())
  const getUser: TwoFactorOptions['getUser'] = request => request.session.user ?? null
  return { app, clock, options: { issuer: 'Acme', encryptionKeys, storage, recoveryCodes: 5, getUser, clock } }
}
