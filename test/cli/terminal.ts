import { PassThrough, Readable, Writable } from 'node:stream'
import { runCommandLine } from '../../plugin/cli/program.js'

export interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly env?: Record<string, string | undefined>
  /** What comes in on standard input. */
  readonly input?: Readable
  /** Whether it is a terminal, with somebody at it. */
  readonly isTTY?: boolean
  /** Stops what can be stopped. */
  readonly signal?: AbortSignal
  /** Told of all that goes to standard error. */
  readonly onError?: (text: string) => void
}

/** Runs the command line in this process. */
export async function runCli (args: string[], given: RunOptions = {}): Promise<Ran> {
  const { env = {}, input = Readable.from([]), isTTY = false, signal = new AbortController().signal, onError } = given
  const text = { stdout: '', stderr: '' }
  const into = (name: keyof typeof text) => new Writable({
    decodeStrings: false,
    write (chunk: string | Buffer, _encoding, done) {
      text[name] += String(chunk)
      if (name === 'stderr') onError?.(String(chunk))
      done()
    }
  })
  const code = await runCommandLine(args, {
    env,
    input: Object.assign(input, { isTTY }),
    output: into('stdout'),
    errors: Object.assign(into('stderr'), { isTTY }),
    interruptible: task => task(signal)
  })
  return { code, ...text }
}

/** Somebody who types this once asked. */
export function typing (answer: string): PassThrough {
  const input = new PassThrough()
  input.write(`${answer}\n`)
  return input
}
