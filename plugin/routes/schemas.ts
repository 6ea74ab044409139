// Each schema here is also the type of what it describes (FromSchema): there is no other declaration to drift from it.

export const time = { type: 'string', format: 'date-time' } as const
export const nullableTime = { type: ['string', 'null'], format: 'date-time' } as const

const carried = {
  proofToken: { type: 'string', description: 'With bearerProof(): send it in the header two-factor-proof from now on' },
  setupToken: { type: 'string', description: 'With bearerProof(): send it back to POST /setup/confirm' }
} as const

/** Fastify's own shape of an error, and where to go. */
export const errorReply = {
  type: 'object',
  additionalProperties: false,
  required: ['statusCode', 'error', 'message'],
  properties: {
    statusCode: { type: 'integer' },
    code: { type: 'string', description: 'Tells refusals apart. Never renamed' },
    error: { type: 'string', description: 'Name of the status' },
    message: { type: 'string', description: 'What to do, for the user' },
    verifyUrl: { type: 'string', description: 'Where to pass, with FST_2FA_REQUIRED' },
    setupUrl: { type: 'string', description: 'Where to set it up, with FST_2FA_SETUP_REQUIRED' },
    clockOffset: { type: 'integer', description: 'Seconds that the clock of the phone seems to be ahead; negative: behind' }
  }
} as const

export const errors = { '4xx': errorReply, '5xx': errorReply } as const

function body<const Properties extends Record<string, object>, const Required extends keyof Properties & string> (
  properties: Properties, required: readonly Required[]
) {
  return { type: 'object', additionalProperties: false, required, properties } as const
}

/** @param optional - Names of the properties that are not always there. */
export function reply<
  const Properties extends Record<string, object>, const Optional extends keyof Properties & string = never
> (
  properties: Properties, optional: readonly Optional[] = []
) {
  type Required = Exclude<keyof Properties & string, Optional>
  const isRequired = (name: string): name is Required => !optional.some(other => other === name)
  const required = Object.keys(properties).filter(isRequired)
  return { type: 'object', additionalProperties: false, required, properties } as const
}

const always = { type: 'boolean', enum: [true] } as const

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
  digits: { type: 'integer', description: 'Length of its codes' },
  createdAt: time,
  lastUsedAt: nullableTime
})

export const statusReply = reply({
  enabled: { type: 'boolean' },
  verified: { type: 'boolean', description: 'This client has passed' },
  verifiedAt: nullableTime,
  authenticators: {
    type: ['array', 'null'], items: authenticatorReply, description: 'null for a client that has not passed'
  },
  recoveryCodesLeft: { type: ['integer', 'null'], description: 'null for a client that has not passed' },
  lockedUntil: { ...nullableTime, description: 'No code is taken before then' },
  required: { type: 'boolean', description: 'Whether the user has to have two-factor authentication now' },
  requiredFrom: { ...nullableTime, description: 'Since when, or from when on' },
  daysLeft: { type: ['integer', 'null'], description: 'Until then' }
})

export const setupReply = reply({
  secret: { type: 'string', description: 'Base32, for typing by hand' },
  uri: { type: 'string', description: 'otpauth: URI, as the QR code has it' },
  qrSvg: { type: 'string', description: 'The QR code as an SVG element' },
  expiresAt: { ...time, description: 'From then on, no code confirms this setup' },
  setupToken: carried.setupToken
}, ['setupToken'])

export const confirmReply = reply({
  enabled: always,
  recoveryCodes: {
    type: 'array', items: { type: 'string' }, description: 'Shown this once. Empty for a further authenticator'
  },
  proofToken: carried.proofToken
}, ['proofToken'])

export const verifyReply = reply({ verified: always, proofToken: carried.proofToken }, ['proofToken'])

export const recoverReply = reply({
  verified: always,
  recoveryCodesLeft: { type: ['integer', 'null'], description: 'null: could not be read just now' },
  proofToken: carried.proofToken
}, ['proofToken'])

export const recoveryCodesReply = reply({ recoveryCodes: { type: 'array', items: { type: 'string' } } })

export const disableReply = reply({ enabled: { type: 'boolean', enum: [false] } })

export const authenticatorsReply = reply({ authenticators: { type: 'array', items: authenticatorReply } })

const device = reply({
  id: { type: 'string' },
  label: { type: 'string', description: 'Browser and system, as the device named itself' },
  createdAt: time,
  lastUsedAt: nullableTime,
  expiresAt: time,
  current: { type: 'boolean', description: 'It is the client that asks' }
})

export const devicesReply = reply({ devices: { type: 'array', items: device } })

export const revokedReply = reply({ revoked: { type: 'integer', description: 'How many there were' } })

export const removalReply = reply({ authenticator: authenticatorReply, last: { type: 'boolean' } })

export const removedReply = reply({
  removed: always, enabled: { type: 'boolean', description: 'false: it was the last one' }
})

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
  type: 'object',
  required: ['method'],
  properties: { method: { type: 'string', pattern: '^[a-z0-9-]{1,32}$' } }
} as const

const methodInfo = reply({ name: { type: 'string' }, label: { type: 'string' } })

export const methodsReply = reply({ methods: { type: 'array', items: methodInfo } })

export const startReply = reply({ started: always })

/** A form sends where to go on to; other clients send nothing. */
export const nextBody = { type: ['object', 'null'], properties: { next } } as const

export const proofBody = body({ proof: { type: 'string', minLength: 1, maxLength: 512 }, next }, ['proof'])
