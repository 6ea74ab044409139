import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from './config-error.js'

export interface KeptSecrets {
  readonly encryptionKeys: string[]
  readonly sessionSecret: string
}

/**
 * The keys and the session secret that the demo made up for itself, which stay in its data folder.
 *
 * @throws {ConfigError}
 */
export function keptSecrets (folder: string): KeptSecrets {
  const file = join(folder, 'keys.json')
  try {
    if (!existsSync(file)) {
      const made: KeptSecrets = {
        encryptionKeys: [randomBytes(32).toString('base64')], sessionSecret: randomBytes(32).toString('hex')
      }
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      writeFileSync(file, JSON.stringify(made, null, 2), { mode: 0o600 })
    }
    const kept: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (isKept(kept)) return kept
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) {
      throw new ConfigError(`The data folder cannot be used: ${(cause as Error).message}. Name another one in DEMO_DATA`, { cause })
    }
  }
  throw new ConfigError(`${file} is damaged. Restore it, or delete ${folder} to start anew`)
}

function isKept (value: unknown): value is KeptSecrets {
  return typeof value === 'object' && value !== null &&
    'encryptionKeys' in value && Array.isArray(value.encryptionKeys) &&
    'sessionSecret' in value && typeof value.sessionSecret === 'string'
}
