import type { FastifyRequest } from 'fastify'
import type { TwoFactorUser } from './options.js'

/**
 * A further way to prove oneself, in place of an authenticator app, that the host brings: a code by mail, a hardware
 * key. The plugin counts the attempts, in the one budget of the account, and records the pass.
 */
export interface ProofMethod {
  /** What the pages call it, as the text of a link: `Send me a code by e-mail`. */
  readonly label: string

  /** Whether this user has it. Default: whoever has two-factor authentication. */
  isAvailable? (user: TwoFactorUser, request: FastifyRequest): boolean | Promise<boolean>

  /** Begins, such as by sending a code. Limit how often it sends for one user: the plugin limits addresses alone. */
  start? (user: TwoFactorUser, request: FastifyRequest): unknown

  /**
   * Says whether what the client sent is right. Called for an attempt that was counted. It must call nothing right
   * twice, also if it is asked twice at once (NIST SP 800-63B-4, 3.1.4.2).
   *
   * @throws If it cannot tell: then the attempt is not counted, and the answer is 503.
   */
  check (user: TwoFactorUser, proof: string, request: FastifyRequest): boolean | Promise<boolean>
}

/** By name: lower-case letters, digits and hyphens, which stand in URLs and in the audit. */
export type ProofMethods = Readonly<Record<string, ProofMethod>>

/** A method that a user has. */
export interface MethodInfo {
  readonly name: string
  readonly label: string
}
