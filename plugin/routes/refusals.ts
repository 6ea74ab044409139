import { STATUS_CODES } from 'node:http'
import {
  AlreadyEnabledError, AuthenticatorLimitError, CrossOriginError, ForbiddenError, InvalidCodeError,
  LastAuthenticatorError, LockedError, MalformedBodyError, NotEnabledError, RequiredError, SetupExpiredError,
  SetupRequiredError, TooManyRequestsError, UnauthenticatedError, UnavailableError, UnknownAuthenticatorError,
  UnknownDeviceError, UnknownMethodError, UnknownUserError
} from '../errors.js'
import { urlOf } from '../refusal.js'
import type { FromSchema } from './schema-types.js'
import type { errorReply } from './schemas.js'

/** As much of an error as a client is told. */
export interface Refusal {
  readonly statusCode?: number | undefined
  readonly code: string
  readonly message: string
  readonly headers?: object
}

/** The JSON body of a refusal: Fastify's own shape, and where to go or what to mend. */
export function refusalBody (refusal: Refusal): FromSchema<typeof errorReply> {
  const { statusCode = 503, code, message } = refusal
  const offset = refusal instanceof InvalidCodeError ? refusal.clockOffset : undefined
  const more = offset === undefined ? urlOf(refusal) : { clockOffset: offset }
  return { statusCode, code, error: STATUS_CODES[statusCode] ?? 'Error', message, ...more }
}

/** Where a refusal may send the client. */
export interface Ways {
  readonly verifyUrl: string
  readonly setupUrl: string
}

/** One of each refusal, by the name of its example in documents of the API. */
export const refusals = {
  unauthenticated: () => new UnauthenticatedError(),
  required: ({ verifyUrl }: Ways) => new RequiredError(verifyUrl),
  setupRequired: ({ setupUrl }: Ways) => new SetupRequiredError(setupUrl),
  invalidCode: () => new InvalidCodeError(),
  clockOff: () => new InvalidCodeError({ clockOffset: -90 }),
  locked: () => new LockedError(60),
  disabled: () => new LockedError(3600, true),
  tooManyRequests: () => new TooManyRequestsError(),
  notEnabled: () => new NotEnabledError(),
  alreadyEnabled: () => new AlreadyEnabledError(),
  setupExpired: () => new SetupExpiredError(),
  authenticatorLimit: () => new AuthenticatorLimitError(),
  unknownAuthenticator: () => new UnknownAuthenticatorError(),
  lastAuthenticator: () => new LastAuthenticatorError(),
  mustKeep: () => new LastAuthenticatorError(true),
  unknownDevice: () => new UnknownDeviceError(),
  unknownMethod: () => new UnknownMethodError(),
  crossOrigin: () => new CrossOriginError(),
  forbidden: () => new ForbiddenError(),
  unknownUser: () => new UnknownUserError(),
  unavailable: () => new UnavailableError({ cause: undefined }),
  malformedBody: () => new MalformedBodyError(),
  // Of Fastify itself, before a handler is asked.
  invalid: (): Refusal => ({ statusCode: 400, code: 'FST_ERR_VALIDATION', message: 'body must have required property \'code\'' }),
  invalidUrl: (): Refusal => ({ statusCode: 400, code: 'FST_ERR_VALIDATION', message: 'params/id must NOT have more than 64 characters' }),
  badJson: (): Refusal => ({ statusCode: 400, code: 'FST_ERR_CTP_INVALID_JSON_BODY', message: 'Body is not valid JSON but content-type is set to \'application/json\'' }),
  tooLarge: (): Refusal => ({ statusCode: 413, code: 'FST_ERR_CTP_BODY_TOO_LARGE', message: 'Request body is too large' }),
  mediaType: (): Refusal => ({ statusCode: 415, code: 'FST_ERR_CTP_INVALID_MEDIA_TYPE', message: 'Unsupported Media Type' })
} satisfies Record<string, (ways: Ways) => Refusal>

export type RefusalName = keyof typeof refusals
