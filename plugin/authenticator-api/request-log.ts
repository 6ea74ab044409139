import type { FastifyRequest } from 'fastify'
import type { Server } from 'node:http'

/**
 * What the log shows of a request: Fastify's own fields, but a fixed path in place of the URL. That has the secret in
 * its query, and if it is malformed perhaps elsewhere.
 */
export function loggable ({ method, host, ip, socket }: FastifyRequest, path: string): object {
  return { method, url: path, host, remoteAddress: ip, remotePort: socket?.remotePort }
}

/**
 * Takes the bytes as received off the errors of requests that are no HTTP, such as one with a space in its URL. Fastify
 * logs these errors at the level `trace`, before there is a route that could say how.
 */
export function dropRawPackets (server: Pick<Server, 'prependListener'>): void {
  server.prependListener('clientError', (error: Error & { rawPacket?: Buffer }) => { delete error.rawPacket })
}
