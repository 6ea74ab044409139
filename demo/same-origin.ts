import type { FastifyRequest } from 'fastify'
import { createError } from '@fastify/error'

const CrossOriginError = createError('DEMO_CROSS_ORIGIN', 'This request did not come from this site', 403)

/** Refuses forms that another site made a browser send, as the plugin does for its own. */
export async function sameOrigin ({ method, headers, host }: FastifyRequest): Promise<void> {
  if (method === 'GET' || method === 'HEAD') return
  const { origin, 'sec-fetch-site': site } = headers
  const own = site !== undefined
    ? site === 'same-origin' || site === 'none'
    : origin !== undefined && URL.canParse(origin) && new URL(origin).host === host
  if (!own) throw new CrossOriginError()
}

/** A path of this site to go on to, or the dashboard. */
export function nextPath (next: string | undefined): string {
  if (next === undefined || !/^\/(?![/\\])[^\\\s]*$/.test(next)) return '/dashboard'
  const { origin, pathname, search } = new URL(next, 'http://demo.invalid')
  return origin === 'http://demo.invalid' && !pathname.startsWith('//') ? pathname + search : '/dashboard'
}
