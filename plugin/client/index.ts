export { TwoFactorApiError, type ApiErrorDetails, type TwoFactorErrorCode } from './api-error.js'
export {
  createTwoFactorClient, type AuthenticatorCalls, type DeviceCalls, type MethodCalls, type TwoFactorClient
} from './client.js'
export type { BearerOptions, Fetch, FetchAnswer, FetchInit, HeaderFields, ProofStore, TwoFactorClientOptions } from './options.js'
export type { CallOptions } from './transport.js'
export type {
  Authenticator, ConfirmedSetup, Device, Method, PendingSetup, Recovered, RemovedAuthenticator, Status, Verified
} from './replies.js'
