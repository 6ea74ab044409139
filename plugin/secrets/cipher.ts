/** What a sealed value belongs to. It opens with the very same binding only. */
export type SealBinding = Readonly<Record<string, string>>

/**
 * Seals secrets where the host wants them sealed, such as in a key management service. Both methods can be
 * asynchronous; each call may take as long as a statement of the storage (`storageTimeout`).
 */
export interface Cipher {
  /** Names the key that seals now: under a new name, `rotateKeys` seals all anew. Default is the empty string. */
  readonly keyId?: string
  /** Encrypts and authenticates a value together with its binding. */
  seal (plain: Uint8Array, binding: SealBinding): Uint8Array | Promise<Uint8Array>
  /** Must reject a value that was altered, or that was sealed with another binding. */
  open (sealed: Uint8Array, binding: SealBinding): Uint8Array | Promise<Uint8Array>
}
