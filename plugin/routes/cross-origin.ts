import type { FastifyRequest } from 'fastify'
import { isForm, isSafe } from '../browser.js'
import { CrossOriginError } from '../errors.js'

/**
 * Refuses unsafe requests that another site made a browser send, without a token to carry: by Fetch metadata, and by
 * `Origin` for browsers that do not send that. A sibling sub-domain is another site too.
 *
 * A request with neither header comes from no current browser. It is taken unless it is a form, since that is all a
 * page of another site can make an old browser send; JSON needs a preflight, which this site does not answer.
 *
 * @throws {CrossOriginError}
 */
export function refuseCrossOrigin (request: FastifyRequest): void {
  if (isSafe(request.method)) return
  const { origin, 'sec-fetch-site': site } = request.headers
  const allowed = site !== undefined
    ? site === 'same-origin' || site === 'none'
    : origin !== undefined ? isOwn(origin, request.host) : !isForm(request)
  if (!allowed) throw new CrossOriginError()
}

function isOwn (origin: string, host: string): boolean {
  return URL.canParse(origin) && new URL(origin).host === host.toLowerCase()
}
