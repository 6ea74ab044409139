import { spawn } from 'node:child_process'

const openers: { readonly [Platform in NodeJS.Platform]?: readonly [command: string, ...given: string[]] } = {
  darwin: ['open'],
  // A word of the shell there. The address has nothing in it that the shell reads.
  win32: ['cmd', '/c', 'start']
}

/**
 * Opens the address in the user's browser. There may be none, as on a server: that is told to `failed`, and is no
 * reason to stop.
 */
export function openBrowser (
  address: string, failed: (reason: string) => void, platform: NodeJS.Platform = process.platform
): void {
  const [command, ...given] = openers[platform] ?? ['xdg-open']
  const child = spawn(command, [...given, address], { stdio: 'ignore', detached: true })
  child.once('error', ({ message }) => failed(message))
  child.once('exit', code => { if (code !== 0) failed(`${command} ended with ${code}`) })
  child.unref()
}
