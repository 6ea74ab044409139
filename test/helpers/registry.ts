import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'

/** An empty folder outside the repository, until `t` ends. */
export async function emptyFolder (t: Pick<Test, 'teardown'>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'two-factor-stranger-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/**
 * Runs `npm` there, with what its cache has before the registry.
 *
 * @returns `false` if that cannot be had on this machine: then there is nothing to test. On CI that throws as well.
 * @throws {Error} if npm fails for another reason.
 */
export async function npm (t: Pick<Test, 'comment'>, folder: string, ...args: string[]): Promise<boolean> {
  const { code, output } = await run('npm', ['--prefer-offline', '--no-audit', '--no-fund', ...args], folder)
  if (code === 0) return true
  const offline = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENOTCACHED|ENETUNREACH/.exec(output)
  if (!offline || process.env.CI) throw new Error(`npm ${args.join(' ')} failed: ${output.slice(-2000)}`)
  t.comment(`No registry here (${offline[0]}): npm ${args.join(' ')} was not run`)
  return false
}

/** Runs a command to its end. */
export async function run (
  command: string, args: string[], folder: string, environment: Record<string, string | undefined> = {}
): Promise<{ readonly code: number | null, readonly output: string }> {
  const child = spawn(command, args, { cwd: folder, env: { ...plainEnvironment(), ...environment } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => { output += chunk })
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => resolve({ code, output }))
  })
}

/** Without what npm and tap tell the processes that they start: a stranger's shell has none of it. */
export function plainEnvironment (): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(process.env)
    .filter(([name]) => !/^(npm_|TAP|NODE_OPTIONS|NODE_V8_COVERAGE|INIT_CWD)/i.test(name)))
}
