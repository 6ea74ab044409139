import type { FastifyRequest } from 'fastify'
import { baseUrl } from './base-url.js'
import type { ResolvedOptions } from './options.js'
import { createPairing, type Pairing, type PairingRequest } from './pairing.js'
import { createValidation, type Validate } from './validation.js'

/** What the service does, whichever path and format it is asked by. */
export interface Service {
  /** Pairs for the client of this request, with the image where that client reaches the server. */
  readonly pair: (request: FastifyRequest, pairing: PairingRequest) => Pairing
  readonly validate: Validate
}

/** @param prefix - Of the routes. */
export function createService (options: ResolvedOptions, prefix: string): Service {
  return {
    pair: (request, pairing) => createPairing(pairing, options.publicUrl ?? baseUrl(request, prefix)),
    validate: createValidation(options)
  }
}
