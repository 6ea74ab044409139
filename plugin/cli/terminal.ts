import type { Readable, Writable } from 'node:stream'

/** What a command reads from and writes to. */
export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly input: Readable & { readonly isTTY?: boolean }
  /** The result alone, so that it can be piped. */
  readonly output: Writable
  /** All else: progress, questions and errors. */
  readonly errors: Writable & { readonly isTTY?: boolean }
  /** Runs what can be stopped: the first SIGINT or SIGTERM aborts its signal, a second one ends the process. */
  readonly interruptible: <Result>(task: (signal: AbortSignal) => Promise<Result>) => Promise<Result>
}

/** The terminal of this process. */
export const processTerminal: Terminal = {
  env: process.env,
  input: process.stdin,
  output: process.stdout,
  errors: process.stderr,

  async interruptible (task) {
    const stop = new AbortController()
    const signals = ['SIGINT', 'SIGTERM'] as const
    const onSignal = () => {
      ignoreSignals()
      stop.abort()
    }
    // Without a listener, a signal does what it does to any process.
    const ignoreSignals = () => { for (const signal of signals) process.off(signal, onSignal) }
    for (const signal of signals) process.on(signal, onSignal)
    try {
      return await task(stop.signal)
    } finally {
      ignoreSignals()
    }
  }
}
