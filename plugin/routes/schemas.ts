const nullableDate = { type: ['string', 'null'], format: 'date-time' } as const

const carried = {
  proofToken: { type: 'string', description: 'With bearerProof(): send it in the header two-factor-proof from now on' },
  setupToken: { type: 'string', description: 'With bearerProof(): send it back to POST /setup/confirm' }
} as const

/** Fastify's own shape of an error, and where to go. */
const error = {
  type: 'object',
  additionalProperties: false,
  required: ['statusCode', 'error', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string' },
    error: { type: 'string' },
    message: { type: 'string' },
    verifyUrl: { type: 'string' },
    setupUrl: { type: 'string' },
    clockOffset: { type: 'integer', description: 'Seconds that the clock of the phone seems to be ahead; negative: behind' }
  }
} as const

export const errors = { '4xx': error, '5xx': error } as const

function body<Properties extends Record<string, object>> (
  properties: Properties, required: Array<keyof Properties & string>
) {
  return { type: 'object', additionalProperties: false, required, properties } as const
}

function reply<Properties extends Record<string, object>> (properties: Properties) {
  return { type: 'object', additionalProperties: false, properties } as const
}

/** Where a browser goes afterwards. A path of another site is ignored. */
const next = { type: 'string', maxLength: 2048 } as const

/** Digits as people type them: "123456", "123 456", "123-456". Each length is one that some enrolment can have. */
export function codeSchema (digits: number) {
  const lengths = [...new Set([6, digits])].map(length => `(?:[0-9][\\s-]*){${length}}`)
  return { type: 'string', maxLength: 32, pattern: `^\\s*(?:${lengths.join('|')})$` } as const
}

// What normalizeRecoveryCode drops.
const gap = '[\\s\\p{Dash_Punctuation}\\u2212\\u00ad]'

const recoveryCode = {
  type: 'string', maxLength: 64, pattern: `^${gap}*(?:[0-9A-Za-z]${gap}*){16}$`
} as const

export const authenticatorReply = reply({
  id: { type: 'string' },
  kind: { type: 'string', description: 'Which verifier checks its codes' },
  name: { type: 'string' },
  createdAt: { type: 'string', format: 'date-time' },
  lastUsedAt: nullableDate
})

export const statusReply = reply({
  enabled: { type: 'boolean' },
  verified: { type: 'boolean' },
  verifiedAt: nullableDate,
  authenticators: { type: ['array', 'null'], items: authenticatorReply },
  recoveryCodesLeft: { type: ['integer', 'null'] },
  lockedUntil: nullableDate,
  required: { type: 'boolean', description: 'Whether the user has to have two-factor authentication now' },
  requiredFrom: { ...nullableDate, description: 'Since when, or from when on' },
  daysLeft: { type: ['integer', 'null'], description: 'Until then' }
})

export const setupReply = reply({
  secret: { type: 'string' },
  uri: { type: 'string' },
  qrSvg: { type: 'string' },
  expiresAt: { type: 'string', format: 'date-time' },
  setupToken: carried.setupToken
})

export const confirmReply = reply({
  enabled: { type: 'boolean' },
  recoveryCodes: { type: 'array', items: { type: 'string' } },
  proofToken: carried.proofToken
})

export const verifyReply = reply({ verified: { type: 'boolean' }, proofToken: carried.proofToken })

export const recoverReply = reply({
  verified: { type: 'boolean' },
  recoveryCodesLeft: { type: ['integer', 'null'] },
  proofToken: carried.proofToken
})

export const recoveryCodesReply = reply({ recoveryCodes: { type: 'array', items: { type: 'string' } } })

export const disableReply = reply({ enabled: { type: 'boolean' } })

export const authenticatorsReply = reply({ authenticators: { type: 'array', items: authenticatorReply } })

const device = reply({
  id: { type: 'string' },
  label: { type: 'string', description: 'Browser and system, as the device named itself' },
  createdAt: { type: 'string', format: 'date-time' },
  lastUsedAt: nullableDate,
  expiresAt: { type: 'string', format: 'date-time' },
  current: { type: 'boolean', description: 'It is the client that asks' }
})

export const devicesReply = reply({ devices: { type: 'array', items: device } })

export const revokedReply = reply({ revoked: { type: 'integer' } })

export const removalReply = reply({ authenticator: authenticatorReply, last: { type: 'boolean' } })

export const removedReply = reply({ removed: { type: 'boolean' }, enabled: { type: 'boolean' } })

export const nextQuery = {
  type: 'object',
  properties: { next, resend: { type: 'string', maxLength: 1 } }
} as const

// No control characters, which PostgreSQL does not store or a page does not show.
const plain = '[^\\u0000-\\u001f\\u007f]'

const name = { type: 'string', maxLength: 64, pattern: `^${plain}*$` } as const

/** Named in full: the prefix of a host may have an `:id` too. */
export const authenticatorParams = {
  type: 'object',
  required: ['authenticatorId'],
  properties: { authenticatorId: { type: 'string', maxLength: 64, pattern: `^${plain}+$` } }
} as const

export const deviceParams = {
  type: 'object',
  required: ['deviceId'],
  properties: { deviceId: { type: 'string', maxLength: 64, pattern: `^${plain}+$` } }
} as const

export const renameBody = body({ name: { ...name, pattern: `^(?=.*\\S)${plain}*$` } }, ['name'])

export const confirmBody = (digits: number) => body({
  code: codeSchema(digits), name, setupToken: { type: 'string', maxLength: 2048 }, next
}, ['code'])

export const verifyBody = (digits: number) => body({
  code: codeSchema(digits),
  trustDevice: { enum: [true, false, 'on'], description: 'Do not ask again on this device; needs the option trustedDevices' },
  next
}, ['code'])

export const recoverBody = body({ code: recoveryCode, next }, ['code'])

export const disableBody = (digits: number) => body({ code: { anyOf: [codeSchema(digits), recoveryCode] }, next }, ['code'])

export const methodParams = {
  type: 'object', properties: { method: { type: 'string', pattern: '^[a-z0-9-]{1,32}$' } }
} as const

const methodInfo = reply({ name: { type: 'string' }, label: { type: 'string' } })

export const methodsReply = reply({ methods: { type: 'array', items: methodInfo } })

export const startReply = reply({ started: { type: 'boolean' } })

/** A form sends where to go on to; other clients send nothing. */
export const nextBody = { type: ['object', 'null'], properties: { next } } as const

export const proofBody = body({ proof: { type: 'string', minLength: 1, maxLength: 512 }, next }, ['proof'])
