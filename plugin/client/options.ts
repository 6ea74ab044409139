type MaybePromise<T> = T | Promise<T>

export type HeaderFields = Readonly<Record<string, string>>

/** As much of a request as a {@link Fetch} is handed. */
export interface FetchInit {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string
  readonly credentials: 'omit' | 'same-origin' | 'include'
  readonly redirect: 'manual'
  readonly signal?: AbortSignal
}

/** As much of an answer as is read. */
export interface FetchAnswer {
  readonly status: number
  readonly headers: { get (name: string): string | null }
  text (): Promise<string>
}

/** The global `fetch`, or one like it: with a cookie jar, for tests, or through a proxy. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchAnswer>

/** Keeps the proof token of a client, such as in the storage of an app, for its next start. */
export interface ProofStore {
  /** What was kept; nothing if there is none. */
  get (): MaybePromise<string | null | undefined>
  /** @param token - `undefined`: there is none any more. */
  set (token: string | undefined): unknown
}

/** For a host with `bearerProof()`. */
export interface BearerOptions {
  /** Credential of the host, sent as `Authorization: Bearer`. A function is asked at each request. */
  readonly token: string | (() => MaybePromise<string>)

  /** Header that carries the proof token: `header` of `bearerProof()`. Default is `two-factor-proof`. */
  readonly proofHeader?: string

  /** Where the proof token is kept. Default is the memory of this client. */
  readonly proofStore?: ProofStore
}

export interface TwoFactorClientOptions {
  /**
   * Where the routes are: `https://api.example.com/2fa`, or in a browser the path alone. Default is `/2fa`.
   */
  readonly baseUrl?: string

  /** Default is the global `fetch`. */
  readonly fetch?: Fetch

  /** Headers of every request. A function is asked each time. Default is none. */
  readonly headers?: HeaderFields | (() => MaybePromise<HeaderFields>)

  /** Whether a browser sends its cookies. Default is `same-origin`: the plugin refuses other sites' requests anyway. */
  readonly credentials?: 'omit' | 'same-origin' | 'include'

  /** Default is none: the proof is in the session of the host. */
  readonly bearer?: BearerOptions
}
