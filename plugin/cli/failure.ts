/** How a command ends, by its exit code. */
export const exitCodes = Object.freeze({ done: 0, failed: 1, usage: 2, nothing: 3, stopped: 130 })

/** Ends a command with an exit code other than 0. */
export class CommandFailure extends Error {
  readonly exitCode: number

  constructor (exitCode: number, message: string) {
    super(message)
    this.exitCode = exitCode
  }
}

/** What went wrong, without what only a log should have. */
export function messageOf (error: unknown): string {
  const { message, cause, code } = error as Error & { code?: string }
  // What is out of reach says why in its cause alone.
  if (code === 'FST_2FA_UNAVAILABLE' && cause instanceof Error) return messageOf(cause)
  // With several addresses tried, the message is empty.
  return message || code || String(error)
}
