const time = { type: 'string', format: 'date-time' } as const
const nullableTime = { type: ['string', 'null'], format: 'date-time' } as const

function reply<Properties extends Record<string, object>> (properties: Properties) {
  return { type: 'object', additionalProperties: false, properties } as const
}

/** Fastify's own shape, and whatever an error handler of the host adds to it. */
const error = {
  type: 'object',
  additionalProperties: true,
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' }
  }
} as const

export const errors = { '4xx': error, '5xx': error } as const

export interface UserParams { Params: { userId: string } }

/** As `getUser` answers it, without what a database cannot store. */
export const userParams = {
  type: 'object',
  required: ['userId'],
  properties: { userId: { type: 'string', minLength: 1, maxLength: 1024, pattern: '^[^\\u0000-\\u001f\\u007f]+$' } }
} as const

const authenticator = reply({
  id: { type: 'string' },
  kind: { type: 'string', description: 'Which verifier checks its codes' },
  name: { type: 'string' },
  createdAt: time,
  lastUsedAt: nullableTime
})

export const userReply = reply({
  enabled: { type: 'boolean' },
  authenticators: { type: 'array', items: authenticator },
  recoveryCodesLeft: { type: 'integer' },
  failedAttempts: { type: 'integer' },
  lockedUntil: nullableTime,
  authenticatorsDisabled: { type: 'boolean' }
})

export const doneReply = reply({ done: { type: 'boolean' } })

const key = reply({
  id: { type: 'string' },
  by: { type: 'string' },
  current: { type: 'boolean' },
  available: { type: 'boolean' },
  secrets: { type: 'integer' },
  recoverySalts: { type: 'integer' }
})

export const keysReply = reply({ keys: { type: 'array', items: key } })

export interface EventsQuery { Querystring: { before?: string, limit?: string } }

export const eventsQuery = {
  type: 'object',
  additionalProperties: false,
  properties: {
    before: { type: 'string', pattern: '^[0-9a-f]{1,64}$', description: 'Id of an event: those before it' },
    limit: { type: 'string', pattern: '^(?:[1-9][0-9]?|[1-4][0-9]{2}|500)$', description: '1 to 500. Default is 50' }
  }
} as const

const event = {
  ...reply({
    id: { type: 'string' },
    type: { type: 'string' },
    userId: { type: 'string' },
    at: time,
    ip: { type: 'string' },
    lockedUntil: nullableTime
  }),
  // What else is told of it differs by its type.
  additionalProperties: true
} as const

export const eventsReply = reply({ events: { type: 'array', items: event } })
