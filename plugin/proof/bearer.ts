import { createHash } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Pass } from '../service/passes.js'
import { BadOptionError, UnauthenticatedError } from '../errors.js'
import type { Proof, TokenSealer } from './proof.js'

export interface BearerProofOptions {
  /** Request header that carries the proof token. Default is `two-factor-proof`. */
  readonly header?: string

  /**
   * The credential that the proof is bound to: a proof token is worth nothing beside another one. Default is the
   * token of `Authorization: Bearer`. If clients refresh that token, answer what stays the same, such as the `sid` of
   * a verified JWT; `undefined` where there is none.
   */
  readonly credential?: (request: FastifyRequest) => string | undefined
}

/**
 * Keeps the proof with the client, for APIs that use no cookies: a sealed, expiring token in the answer to
 * `POST /verify`, which the client sends in a header from then on. It is bound to the user and to the credential that
 * was presented, and is opened without SQL.
 */
export function bearerProof (
  { header = 'two-factor-proof', credential = bearerToken }: BearerProofOptions = {}
): Proof {
  const name = header.toLowerCase()
  let tokens: TokenSealer

  return {
    ambient: false,
    header: name,

    prepare (_fastify, sealer) {
      // Opened at every request, which is too often for a key management service.
      if (!sealer) throw new BadOptionError('encryptionKeys', 'given beside the cipher: bearerProof() seals its tokens with them')
      tokens = sealer
    },

    readPass (request, userId) {
      const token = request.headers[name]
      const bound = credential(request)
      if (typeof token !== 'string' || !bound) return undefined
      const opened = tokens.open([userId, hash(bound)], token)
      return opened === undefined ? undefined : JSON.parse(opened) as Pass
    },

    expectPass (request) {
      if (!credential(request)) throw new UnauthenticatedError()
    },

    async writePass (request, pass) {
      const bound = credential(request) ?? ''
      return { proofToken: tokens.seal([pass.userId, hash(bound)], JSON.stringify(pass)) }
    },

    // The client drops its token; the pass is ended in the storage.
    clearPass () {},

    abandon () {},

    readSetup (_request, given) {
      return given
    },

    writeSetup (_request, sealed) {
      return { setupToken: sealed }
    }
  }
}

function bearerToken (request: FastifyRequest): string | undefined {
  return /^Bearer +([^ ]+) *$/i.exec(request.headers.authorization ?? '')?.[1]
}

function hash (credential: string): string {
  return createHash('sha256').update(credential).digest('base64url')
}
