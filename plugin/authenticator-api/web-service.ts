import type { FastifyInstance, FastifyRequest } from 'fastify'
import { addEndpoints, anyCase } from './endpoints.js'
import { BadParameterError } from './errors.js'
import type { Pairing } from './pairing.js'
import { bodyParameters, queryParameters } from './parameters.js'
import type { Service } from './service.js'

/** Generated clients of the public service look for its elements in this namespace. */
const namespace = 'http://authenticatorapi.com/'

/** `/api.asmx/Pair` and `/api.asmx/ValidatePin`: a query or a form is answered in XML, JSON in JSON. No SOAP. */
export function addWebService (scope: FastifyInstance, { pair, validate }: Service): void {
  const path = `/:service(${anyCase('api')}):extension(${anyCase('.asmx')})`
  addEndpoints(scope, `${path}/:endpoint(${anyCase('pair', 'validatepin')})`, {
    pair: {
      path: '/api.asmx/Pair',
      allowed: 'GET, HEAD, POST',
      handler (request, reply) {
        const [appName, appInfo, secretCode] = read(request, 'appName', 'appInfo', 'secretCode')
        const pairing = pair(request, { appName, appInfo, secretCode })
        return isJson(request) ? { d: pairingObject(pairing) } : reply.type(xml).send(pairingXml(pairing))
      }
    },
    validatepin: {
      path: '/api.asmx/ValidatePin',
      allowed: 'GET, HEAD, POST',
      handler (request, reply) {
        const [pin, secretCode] = read(request, 'pin', 'secretCode')
        const isValid = validate(pin, secretCode)
        return isJson(request) ? { d: isValid } : reply.type(xml).send(booleanXml(isValid))
      }
    }
  })
}

/** Whether the client speaks JSON, as ASP.NET decides it: by what it sends, not by what it accepts. */
export function isJson ({ method, headers }: FastifyRequest): boolean {
  return method === 'POST' && /^application\/json\b/i.test(headers['content-type'] ?? '')
}

function read<Names extends readonly string[]> (
  request: FastifyRequest, ...names: Names
): { readonly [Index in keyof Names]: string } {
  const parameters = request.method === 'POST' ? bodyParameters(request) : queryParameters(request)
  return names.map(name => {
    const value = parameters.get(name)
    // The public service answers this text with 500. It is the client that is wrong, so it is a 400 here.
    if (value === undefined) throw new BadParameterError(`Missing parameter: ${name}.`)
    return value
  }) as { readonly [Index in keyof Names]: string }
}

const xml = 'text/xml; charset=utf-8'

// The line ends are ASP.NET's.
const declaration = '<?xml version="1.0" encoding="utf-8"?>\r\n'

function booleanXml (value: boolean): string {
  return `${declaration}<boolean xmlns="${namespace}">${value}</boolean>`
}

function pairingXml ({ manualSetupCode, html }: Pairing): string {
  return `${declaration}<PairingInfo xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" ` +
    `xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns="${namespace}">\r\n` +
    `  <ManualSetupCode>${manualSetupCode}</ManualSetupCode>\r\n` +
    `  <Html>${escapeText(html)}</Html>\r\n` +
    '</PairingInfo>'
}

function pairingObject ({ manualSetupCode, html }: Pairing): object {
  return { __type: 'AuthenticatorAPI.PairingInfo', ManualSetupCode: manualSetupCode, Html: html }
}

function escapeText (text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}
