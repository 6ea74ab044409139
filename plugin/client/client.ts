import type { HeaderFields, TwoFactorClientOptions } from './options.js'
import { createProof, type ClientProof } from './proof.js'
import type {
  Authenticator, ConfirmedSetup, Device, Method, PendingSetup, Recovered, RemovedAuthenticator, Status, Verified
} from './replies.js'
import { createSend, type CallOptions, type Send } from './transport.js'

/** The user's authenticators. */
export interface AuthenticatorCalls {
  /** The oldest first. */
  list (call?: CallOptions): Promise<readonly Authenticator[]>
  rename (id: string, name: string, call?: CallOptions): Promise<Authenticator>
  /** Ends the passes of all other clients. Asks for a fresh pass. */
  remove (id: string, call?: CallOptions): Promise<RemovedAuthenticator>
}

/** The user's trusted devices. Needs the option `trustedDevices` of the host. */
export interface DeviceCalls {
  /** The oldest first. */
  list (call?: CallOptions): Promise<readonly Device[]>
  revoke (id: string, call?: CallOptions): Promise<void>
  /** Answers how many there were. */
  revokeAll (call?: CallOptions): Promise<number>
}

/** Other ways to pass: the option `methods` of the host. */
export interface MethodCalls {
  list (call?: CallOptions): Promise<readonly Method[]>
  /** Begins, such as by having a code sent. */
  start (name: string, call?: CallOptions): Promise<void>
  verify (name: string, proof: string, call?: CallOptions): Promise<Verified>
}

/**
 * The routes of the plugin, for the signed-in user. Each call is named as it is in `request.twoFactor`. It rejects with
 * a `TwoFactorApiError`, or with the reason of its `signal`.
 */
export interface TwoFactorClient {
  status (call?: CallOptions): Promise<Status>

  /** Starts a setup, in place of a pending one. Asks whoever has two-factor authentication for a fresh pass. */
  beginSetup (call?: CallOptions): Promise<PendingSetup>

  /**
   * Confirms the pending setup by its first code. This client has passed then.
   *
   * @param options.name - Name of the authenticator, up to 64 characters.
   * @param options.setupToken - Of a setup that another client has begun.
   */
  confirmSetup (
    code: string, options?: CallOptions & { readonly name?: string, readonly setupToken?: string }
  ): Promise<ConfirmedSetup>

  /**
   * Passes by a code of an authenticator.
   *
   * @param options.trustDevice - Do not ask this browser again for as long as the host says. Default is `false`.
   */
  verify (code: string, options?: CallOptions & { readonly trustDevice?: boolean }): Promise<Verified>

  /** Passes by a recovery code, which is used up by that. */
  recover (code: string, call?: CallOptions): Promise<Recovered>

  /** Makes a new set of recovery codes. Those from before are worthless then. Asks for a fresh pass. */
  regenerateRecoveryCodes (call?: CallOptions): Promise<readonly string[]>

  /** Turns two-factor authentication off, by a code of an authenticator or a recovery code. */
  disable (code: string, call?: CallOptions): Promise<void>

  readonly authenticators: AuthenticatorCalls
  readonly devices: DeviceCalls
  readonly methods: MethodCalls

  /**
   * With `bearer`: the headers that tell a guarded route of the host that this client has passed, for requests of your
   * own.
   */
  proofHeaders (): Promise<HeaderFields>

  /** With `bearer`: drops the proof token and a pending setup. Call it when the user signs out. */
  forget (): Promise<void>
}

/** Calls the routes of the plugin, from a browser or from Node.js. */
export function createTwoFactorClient (options: TwoFactorClientOptions = {}): TwoFactorClient {
  const proof = createProof(options.bearer)
  const send = createSend(options, proof.headers)

  async function passing<Reply extends Verified | ConfirmedSetup> (answer: Promise<Reply>): Promise<Reply> {
    const reply = await answer
    await proof.keep(reply)
    return reply
  }

  return {
    status: call => send('GET /', call),

    async beginSetup (call) {
      const setup = await send('POST /setup', call)
      proof.keepSetup(setup)
      return setup
    },

    confirmSetup: (code, { name, setupToken = proof.setupToken(), signal } = {}) =>
      passing(send('POST /setup/confirm', { signal }, { code, ...name && { name }, ...setupToken && { setupToken } })),

    verify: (code, { trustDevice, signal } = {}) =>
      passing(send('POST /verify', { signal }, { code, ...trustDevice && { trustDevice } })),

    recover: (code, call) => passing(send('POST /recover', call, { code })),

    async regenerateRecoveryCodes (call) {
      const { recoveryCodes } = await send('POST /recovery-codes', call)
      return recoveryCodes
    },

    async disable (code, call) {
      await send('POST /disable', call, { code })
      await proof.drop()
    },

    authenticators: authenticatorCalls(send, proof),
    devices: deviceCalls(send),

    methods: {
      list: async call => (await send('GET /methods', call)).methods,
      async start (method, call) {
        await send('POST /methods/:method/start', { ...call, id: method })
      },
      verify: (method, proof, call) => passing(send('POST /methods/:method', { ...call, id: method }, { proof }))
    },

    proofHeaders: proof.headers,
    forget: proof.drop
  }
}

function authenticatorCalls (send: Send, proof: ClientProof): AuthenticatorCalls {
  return {
    list: async call => (await send('GET /authenticators', call)).authenticators,

    rename: (id, name, call) => send('PATCH /authenticators/:authenticatorId', { ...call, id }, { name }),

    async remove (id, call) {
      const removed = await send('DELETE /authenticators/:authenticatorId', { ...call, id })
      if (!removed.enabled) await proof.drop()
      return removed
    }
  }
}

function deviceCalls (send: Send): DeviceCalls {
  return {
    list: async call => (await send('GET /devices', call)).devices,
    async revoke (id, call) {
      await send('DELETE /devices/:deviceId', { ...call, id })
    },
    revokeAll: async call => (await send('DELETE /devices', call)).revoked
  }
}
