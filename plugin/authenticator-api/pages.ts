import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { addEndpoints, anyCase } from './endpoints.js'
import { BadParameterError } from './errors.js'
import { queryParameters } from './parameters.js'
import { qrImage } from './qr-image.js'
import type { Service } from './service.js'

/** `/pair.aspx`, `/Validate.aspx` and `/qr.aspx`: parameters in the query, answers as text. */
export function addPages (scope: FastifyInstance, { pair, validate }: Service): void {
  addEndpoints(scope, `/:endpoint(${anyCase('pair', 'validate', 'qr')}):extension(${anyCase('.aspx')})`, {
    pair: {
      path: '/pair.aspx',
      allowed: 'GET, HEAD',
      handler: (request, reply) => answer(request, reply, ['AppName', 'AppInfo', 'SecretCode'],
        ([appName, appInfo, secretCode]) => pair(request, { appName, appInfo, secretCode }).html)
    },
    validate: {
      path: '/Validate.aspx',
      allowed: 'GET, HEAD',
      handler: (request, reply) => answer(request, reply, ['Pin', 'SecretCode'],
        ([pin, secretCode]) => validate(pin, secretCode) ? 'True' : 'False')
    },
    qr: { path: '/qr.aspx', allowed: 'GET, HEAD', handler: answerImage }
  })
}

/** Answers with what is missing, which is no error to the public service and its clients, or else with the page. */
function answer<Names extends readonly string[]> (
  request: FastifyRequest, reply: FastifyReply, names: readonly [...Names], page: (values: Values<Names>) => string
): FastifyReply {
  const parameters = queryParameters(request)
  const values = names.map(name => parameters.get(name))
  const missing = names[values.findIndex(value => !value)]
  const text = missing === undefined ? page(values as Values<Names>) : `Pass '${missing}' in QueryString`
  return reply.type('text/html; charset=utf-8').send(text)
}

function answerImage (request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const parameters = queryParameters(request)
  const data = parameters.get('data')
  if (!data) throw new BadParameterError("Pass 'data' in QueryString")
  return reply.type('image/png').send(qrImage(data, parameters.get('size') ?? '300x300'))
}

type Values<Names extends readonly string[]> = { readonly [Index in keyof Names]: string }
