import type { FastifyReply, FastifyRequest } from 'fastify'

/** Whether the client is a browser that shows a page: it asks for HTML by name, or sends a form and not for JSON. */
export function wantsPage (request: FastifyRequest): boolean {
  const accept = request.headers.accept ?? ''
  return accept.includes('text/html') || (isForm(request) && !accept.includes('application/json'))
}

export function isForm (request: FastifyRequest): boolean {
  return request.headers['content-type']?.toLowerCase().startsWith('application/x-www-form-urlencoded') ?? false
}

/**
 * The path of this site that `next` leads to, or `undefined` if it is none: whatever a browser could read as another
 * site (`//evil`, `/\evil`, a scheme, control characters that it drops) is refused.
 */
export function localPath (next: unknown): string | undefined {
  // eslint-disable-next-line no-control-regex
  if (typeof next !== 'string' || next.length > 2048 || !/^\/(?![/\\])[^\\\u0000-\u0020\u007f]*$/.test(next)) return undefined
  const url = new URL(next, 'http://this.invalid')
  const path = url.pathname + url.search
  // "/..//evil" is resolved to "//evil".
  return url.origin === 'http://this.invalid' && !path.startsWith('//') ? path : undefined
}

/** Where a browser should come back to: this page, or the one whose form it sent. */
export function returnPath (request: FastifyRequest): string | undefined {
  if (isSafe(request.method)) return localPath(request.originalUrl)
  const { referer } = request.headers
  if (referer === undefined || !URL.canParse(referer)) return undefined
  const { host, pathname, search } = new URL(referer)
  return host === request.host ? localPath(pathname + search) : undefined
}

/** RFC 9110 section 9.2.1. */
export function isSafe (method: string): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS' || method === 'TRACE'
}

export function withQuery (url: string, parameters: Record<string, string | undefined>): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) query.set(name, value)
  return query.size === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${query}`
}

/** Answers differ by a header of the request, so caches must keep them apart. */
export function varyBy (reply: FastifyReply, header: 'Accept' | 'Accept-Language'): void {
  const vary = reply.getHeader('vary')
  if (vary === undefined) {
    reply.header('vary', header)
    return
  }
  const fields = [vary].flat().flatMap(field => String(field).split(',')).map(field => field.trim()).filter(Boolean)
  if (fields.some(field => field === '*' || field.toLowerCase() === header.toLowerCase())) return
  reply.header('vary', [...fields, header].join(', '))
}
