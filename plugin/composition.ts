import type { TwoFactorEvent } from './events.js'
import type { ResolvedOptions } from './options.js'
import type { KeyRing } from './secrets/key-ring.js'
import { createSecretBox, type SecretBox } from './secrets/secret-box.js'
import { createService, type TwoFactorService } from './service.js'
import { boundedStorage } from './service/bounded-storage.js'
import { createJournal } from './service/journal.js'
import { within } from './service/within.js'
import type { TwoFactorStorage } from './storage/storage.js'

/** The use cases, and what they stand on. */
export interface Composition {
  readonly service: TwoFactorService
  readonly secrets: SecretBox
  /** Each call of it ends in time. */
  readonly storage: TwoFactorStorage
}

/**
 * Puts the use cases together, for a web server or without one.
 *
 * @param keyRing - Without one, and without a cipher, only what opens and seals nothing can be done.
 * @param emit - Told of every event.
 */
export function compose (
  options: ResolvedOptions, keyRing: KeyRing | undefined, emit: (event: TwoFactorEvent) => void
): Composition {
  const { cipher, storageTimeout } = options
  const storage = boundedStorage(options.storage, storageTimeout)
  const secrets = createSecretBox({ keyRing, cipher, within: task => within('cipher', storageTimeout, task) })
  const journal = createJournal({ ...options, storage, emit })
  return { service: createService({ ...options, storage, secrets, journal }), secrets, storage }
}
