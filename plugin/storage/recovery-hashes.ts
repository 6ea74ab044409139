/** Bytes of the hash of a recovery code. Those of a user stand in one column, one after the other. */
export const recoveryHashLength = 16

/** @throws {RangeError} if one has another length. */
export function joinRecoveryHashes (hashes: readonly Uint8Array[]): Buffer {
  if (hashes.some(({ length }) => length !== recoveryHashLength)) {
    throw new RangeError(`The hash of a recovery code has ${recoveryHashLength} bytes`)
  }
  return Buffer.concat(hashes)
}

export function countRecoveryHashes (joined: Uint8Array | null): number {
  return (joined?.length ?? 0) / recoveryHashLength
}

/** The others, `undefined` if this one is not there. */
export function withoutRecoveryHash (joined: Uint8Array | null, hash: Uint8Array): Buffer | undefined {
  const bytes = Buffer.from(joined ?? [])
  for (let start = 0; start < bytes.length; start += recoveryHashLength) {
    const end = start + recoveryHashLength
    // Hashed with a salt that nobody knows: how long it takes to compare them tells nothing.
    if (bytes.subarray(start, end).equals(hash)) return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)])
  }
  return undefined
}
