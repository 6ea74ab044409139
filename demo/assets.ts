import fastifyStatic from '@fastify/static'
import type { FastifyInstance } from 'fastify'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const vendored = {
  'otpauth.js': ['otpauth', 'otpauth.esm.min.js', 'text/javascript'],
  'inter.woff2': ['@fontsource-variable/inter/files/inter-latin-wght-normal.woff2', '', 'font/woff2']
} as const

/** What the pages load, all of it from here: style, scripts, the font, and the documents as they are. */
export async function assets (app: FastifyInstance): Promise<void> {
  // A route for each file: what is not there is told by the page for that.
  const files = { wildcard: false, index: false } as const
  await app.register(fastifyStatic, { ...files, root: join(import.meta.dirname, 'public'), prefix: '/public/' })
  for (const [name, [module, file, type]] of Object.entries(vendored)) {
    const path = fileURLToPath(new URL(file, import.meta.resolve(module)))
    app.get(`/vendor/${name}`, async (_request, reply) => reply.type(type).sendFile(path, '/'))
  }
  await app.register(fastifyStatic, {
    ...files,
    root: join(import.meta.dirname, '..', 'docs'),
    prefix: '/docs/',
    decorateReply: false,
    // Browsers would save Markdown to a file.
    setHeaders (reply, path) {
      if (path.endsWith('.md')) reply.header('content-type', 'text/plain; charset=utf-8')
    }
  })
}
