import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigError } from './config-error.js'

/**
 * Keeps other processes out of a folder until this one ends: the embedded database does not, and of two processes
 * that write to it one loses what it wrote.
 *
 * @throws {ConfigError} if another process is there.
 */
export function lockFolder (folder: string): void {
  const file = join(folder, 'lock')
  const holder = holderOf(file)
  if (holder !== undefined) {
    throw new ConfigError(`The demo runs already, as process ${holder}. Stop it, or start this one with another DEMO_DATA`)
  }
  // Whoever held it was killed.
  rmSync(file, { force: true })
  writeFileSync(file, String(process.pid), { flag: 'wx' })
  process.once('exit', () => rmSync(file, { force: true }))
}

function holderOf (file: string): number | undefined {
  try {
    const pid = Number(readFileSync(file, 'utf8'))
    // In a container, a process and the one before it often have the same number.
    if (!Number.isInteger(pid) || pid <= 0 || pid === process.pid) return undefined
    process.kill(pid, 0)
    return pid
  } catch (error) {
    // EPERM: it runs, as another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? Number(readFileSync(file, 'utf8')) : undefined
  }
}
