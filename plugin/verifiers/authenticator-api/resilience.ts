import {
  BrokenCircuitError, CircuitState, ConsecutiveBreaker, ExponentialBackoff, circuitBreaker, handleWhen, retry, wrap
} from 'cockatiel'
import { ApiError } from './exchange.js'
import type { ResolvedApiOptions } from './options.js'

/** Runs calls of one kind: in bounded time, again if nothing was decided, and not at all while the service is dead. */
export type Resilience = <Answer>(
  task: (signal: AbortSignal) => Promise<Answer>, caller?: AbortSignal
) => Promise<Answer>

export function createResilience ({ origin, timeout, breaker }: ResolvedApiOptions): Resilience {
  const circuit = circuitBreaker(handleWhen(isFailure), {
    breaker: new ConsecutiveBreaker(breaker.failures), halfOpenAfter: breaker.pause
  })
  // Twice more, after a random time around these: clients that failed together do not come back together.
  const again = retry(handleWhen(error => error instanceof ApiError && error.canRetry), {
    maxAttempts: 2, backoff: new ExponentialBackoff({ initialDelay: 50, maxDelay: 250 })
  })
  const policy = wrap(again, circuit)
  const resting = () => new ApiError(`${origin} failed ${breaker.failures} times in a row: no call for ${breaker.pause} ms`)

  return async (task, caller) => {
    // While one call tries whether the service is back, cockatiel would have the others wait for it.
    if (circuit.state === CircuitState.HalfOpen) throw resting()
    const limit = AbortSignal.timeout(timeout)
    const signal = caller ? AbortSignal.any([caller, limit]) : limit
    try {
      return await policy.execute(async () => {
        try {
          return await task(signal)
        } catch (error) {
          throw caller?.aborted ? new ApiError('The client has gone', { isAlive: true }) : error
        }
      }, signal)
    } catch (error) {
      throw error instanceof BrokenCircuitError ? resting() : error
    }
  }
}

function isFailure (error: Error): boolean {
  return !(error instanceof ApiError && error.isAlive)
}
