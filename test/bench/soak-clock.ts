/** How many seconds pass in one: enough for what expires to do so, and a request is still short of a time step. */
export const speed = 10

const start = Date.parse('2026-01-01T00:00:00Z')

/**
 * A clock that runs fast, the same in every process.
 *
 * @param began - When the run began, in milliseconds since the epoch.
 */
export function soakClock (began: number): () => number {
  return () => start + (Date.now() - began) * speed
}
