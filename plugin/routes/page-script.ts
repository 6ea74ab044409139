import type { FastifyInstance } from 'fastify'
import { script } from '../pages/script.js'

/** `GET /page.js`: what pages do where scripts run. A file, so that their policy need not allow scripts in the page. */
export function pageScriptRoute (scope: FastifyInstance): void {
  const schema = { hide: true, summary: 'Script of the pages', response: { 200: { type: 'string' } } }
  scope.get('/page.js', { schema }, async (_request, reply) => reply
    .type('text/javascript; charset=utf-8')
    .header('x-content-type-options', 'nosniff')
    .send(script))
}
