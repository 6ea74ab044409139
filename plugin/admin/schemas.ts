import { authenticatorReply, nullableTime, reply, time } from '../routes/schemas.js'

/** As `getUser` answers it, without what a database cannot store. */
export const userParams = {
  type: 'object',
  required: ['userId'],
  properties: { userId: { type: 'string', minLength: 1, maxLength: 1024, pattern: '^[^\\u0000-\\u001f\\u007f]+$' } }
} as const

export const userReply = reply({
  enabled: { type: 'boolean' },
  authenticators: { type: 'array', items: authenticatorReply },
  recoveryCodesLeft: { type: 'integer' },
  failedAttempts: { type: 'integer', description: 'Wrong codes in a row' },
  lockedUntil: nullableTime,
  authenticatorsDisabled: { type: 'boolean', description: 'Too many wrong codes turned them off' }
})

export const doneReply = reply({ done: { type: 'boolean', enum: [true] } })

const key = reply({
  id: { type: 'string' },
  by: { type: 'string', enum: ['encryptionKeys', 'cipher'], description: 'The option that holds it' },
  current: { type: 'boolean', description: 'It seals what is new' },
  available: { type: 'boolean', description: 'It was given' },
  secrets: { type: 'integer' },
  recoverySalts: { type: 'integer' }
})

export const keysReply = reply({ keys: { type: 'array', items: key } })

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
    type: { type: 'string', description: 'Such as `verified`. Never renamed' },
    userId: { type: 'string' },
    at: time,
    ip: { type: 'string', description: 'Absent for what a back office did' },
    lockedUntil: { ...nullableTime, description: 'null: the authenticators are disabled for good' },
    verifier: { type: 'string', description: 'Kind of a verifier' },
    clockOffset: { type: 'integer', description: 'Seconds that the clock of the phone is ahead; negative: behind' },
    authenticatorId: { type: 'string' },
    deviceId: { type: 'string' },
    resealed: { type: 'integer' },
    failed: { type: 'integer' }
  }, ['ip', 'lockedUntil', 'verifier', 'clockOffset', 'authenticatorId', 'deviceId', 'resealed', 'failed']),
  // Those that other versions have written may tell more.
  additionalProperties: true
} as const

export const eventsReply = reply({ events: { type: 'array', items: event } })
