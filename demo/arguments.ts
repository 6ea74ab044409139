import { parseArgs } from 'node:util'
import { ConfigError } from './config-error.js'

export interface DemoArguments {
  readonly verifier: 'local' | 'api'
  /** Without the guide and the panel. */
  readonly plain: boolean
  /** In a browser. */
  readonly open: boolean
}

const usage = 'Say --verifier=local (the default) or --verifier=api, as in: npm start -- --verifier=api. ' +
  'Further ones: --plain leaves the guide and the panel away, --open opens a browser'

/** @throws {ConfigError} */
export function readArguments (args: readonly string[]): DemoArguments {
  const { verifier, ...rest } = parse(args)
  if (verifier === 'local' || verifier === 'api') return { verifier, ...rest }
  throw new ConfigError(usage)
}

function parse (args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        verifier: { type: 'string', default: 'local' },
        plain: { type: 'boolean', default: false },
        open: { type: 'boolean', default: false }
      }
    }).values
  } catch (cause) {
    throw new ConfigError(`${(cause as Error).message}. ${usage}`, { cause })
  }
}
