import { UnavailableError } from '../errors.js'

/**
 * Runs a call of what may hang.
 *
 * @param what - Who is asked, for the log.
 * @param timeout - In milliseconds.
 * @throws {UnavailableError} if it fails, or does not end in time.
 */
export async function within<Result> (what: string, timeout: number, task: () => Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const expiry = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`The ${what} did not answer within ${timeout} ms`)), timeout)
  })
  try {
    return await Promise.race([task(), expiry])
  } catch (cause) {
    throw cause instanceof UnavailableError ? cause : new UnavailableError({ cause })
  } finally {
    clearTimeout(timer)
  }
}
