import type {
  Authenticator, ConfirmedSetup, Device, Method, PendingSetup, Recovered, RemovedAuthenticator, Status, Verified
} from './replies.js'

/** What each route answers. */
export interface Answers {
  readonly 'GET /': Status
  readonly 'POST /setup': PendingSetup
  readonly 'POST /setup/confirm': ConfirmedSetup
  readonly 'POST /verify': Verified
  readonly 'POST /recover': Recovered
  readonly 'POST /recovery-codes': { readonly recoveryCodes: readonly string[] }
  readonly 'POST /disable': { readonly enabled: false }
  readonly 'GET /authenticators': { readonly authenticators: readonly Authenticator[] }
  readonly 'PATCH /authenticators/:authenticatorId': Authenticator
  readonly 'DELETE /authenticators/:authenticatorId': RemovedAuthenticator
  readonly 'GET /devices': { readonly devices: readonly Device[] }
  readonly 'DELETE /devices/:deviceId': { readonly revoked: number }
  readonly 'DELETE /devices': { readonly revoked: number }
  readonly 'GET /methods': { readonly methods: readonly Method[] }
  readonly 'POST /methods/:method/start': { readonly started: true }
  readonly 'POST /methods/:method': Verified
}

/** What is sent to those that take something. */
export interface Bodies {
  readonly 'POST /setup/confirm': { readonly code: string, readonly name?: string, readonly setupToken?: string }
  readonly 'POST /verify': { readonly code: string, readonly trustDevice?: boolean }
  readonly 'POST /recover': { readonly code: string }
  readonly 'POST /disable': { readonly code: string }
  readonly 'PATCH /authenticators/:authenticatorId': { readonly name: string }
  readonly 'POST /methods/:method': { readonly proof: string }
}

export type Route = keyof Answers

export type BodyOf<Name extends Route> = Name extends keyof Bodies ? Bodies[Name] : undefined
