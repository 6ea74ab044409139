import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import type { Test } from 'tap'

type Respond = (response: ServerResponse, request: IncomingMessage) => unknown

/** What a service of codes can do instead of its work. Each one would let somebody in if it were taken for a "True". */
export const misbehaviours = {
  'never answers' () {},
  'answers one byte at a time, for ever' (response) {
    response.writeHead(200, { 'content-type': 'text/html' })
    const timer = setInterval(() => response.write('T'), 20)
    response.on('close', () => clearInterval(timer))
  },
  'stops after its headers' (response) {
    response.writeHead(200, { 'content-length': '4' }).flushHeaders()
  },
  'closes in the middle of "True"' (response) {
    response.writeHead(200, { 'content-length': '4' })
    response.write('Tru', () => response.destroy())
  },
  'closes before it answers' (response) {
    response.destroy()
  },
  'answers True with status 500' (response) {
    response.writeHead(500).end('True')
  },
  'answers True with status 404' (response) {
    response.writeHead(404).end('True')
  },
  'answers True with status 201' (response) {
    response.writeHead(201).end('True')
  },
  'answers prose' (response) {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<p>True enough</p>')
  },
  'answers nothing' (response) {
    response.writeHead(200).end()
  },
  'answers True in JSON' (response) {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"d":true}')
  },
  'answers True compressed' (response) {
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('True'))
  },
  'says True and goes on for ever' (response) {
    response.writeHead(200)
    let flows = true
    const more = () => {
      do flows = !response.destroyed && response.write('True'.repeat(10_000))
      while (flows)
    }
    response.on('drain', more)
    more()
  },
  'announces 100 MB' (response) {
    response.writeHead(200, { 'content-length': String(100 * 2 ** 20) })
    response.write('True'.padEnd(200_000))
  },
  'asks for its parameters' (response) {
    response.writeHead(200).end("Pass 'Pin' in QueryString")
  },
  'talks no HTTP' (response) {
    response.socket?.end('True\r\n\r\n')
  }
} satisfies Record<string, Respond>

export interface Service {
  readonly url: string
  /** The paths with their queries that were asked for. */
  readonly asked: string[]
  respond: Respond
}

/** A service that does as it is told, until `t` ends. */
export async function startService (
  t: Pick<Test, 'teardown'>, respond: Respond, certificate?: 'loopback' | 'elsewhere'
): Promise<Service> {
  const service = { url: '', asked: [] as string[], respond }
  const listener: RequestListener = (request, response) => {
    service.asked.push(request.url ?? '')
    service.respond(response, request)
  }
  const server = certificate
    ? createSecureServer({ key: pem(`${certificate}.key`), cert: pem(`${certificate}.pem`) }, listener)
    : createServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  t.teardown(async () => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  })
  service.url = `${certificate ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`
  return service
}

/** A certificate of test/helpers/certificates, made for 127.0.0.1 or for another host. It signs itself. */
export function pem (file: string): string {
  return readFileSync(new URL(`certificates/${file}`, import.meta.url), 'utf8')
}
