import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Pass } from '../service/passes.js'

/** Seals what a client carries itself, under the keys of the registration. */
export interface TokenSealer {
  seal (context: readonly string[], value: string): string
  /** `undefined` if the token was not sealed here, for this context. */
  open (context: readonly string[], token: string): string | undefined
}

/** What the client is handed and must send back. Empty where the proof lives in the session. */
export interface Carried {
  /** Proof that this client has passed. */
  readonly proofToken?: string
  /** The pending setup. */
  readonly setupToken?: string
}

/**
 * Where "this client has passed" lives. `sessionProof()` and `bearerProof()` come with the package.
 *
 * A proof only keeps a pass: whether it still counts is read from the storage.
 */
export interface Proof {
  /**
   * Whether browsers attach the proof on their own, as they do with cookies. Then unsafe requests must come from this
   * site.
   */
  readonly ambient: boolean

  /** Request header that carries the proof, for documents of the API. Absent where none does. */
  readonly header?: string

  /**
   * Called once, at registration.
   *
   * @param tokens - `undefined` if the host gave no `encryptionKeys`.
   * @throws {BadOptionError} if the host lacks what this proof needs.
   */
  prepare (fastify: FastifyInstance, tokens: TokenSealer | undefined): void

  /** The pass that the client presents for this user. */
  readPass (request: FastifyRequest, userId: string): Pass | undefined

  /**
   * Called before a code is looked at: a code that was right must not be lost because its pass cannot be kept.
   *
   * @throws {UnauthenticatedError} or {UnavailableError}
   */
  expectPass (request: FastifyRequest): void

  /** Keeps the pass, under a new session id where there is a session. Drops the pending setup. */
  writePass (request: FastifyRequest, pass: Pass): Promise<Carried>

  clearPass (request: FastifyRequest): void

  /** The request failed half way: nothing of it may be kept. */
  abandon (request: FastifyRequest): void

  /** The sealed pending setup; `given` is what the client sent as `setupToken`. */
  readSetup (request: FastifyRequest, given: string | undefined): string | undefined

  writeSetup (request: FastifyRequest, sealed: string): Carried
}
