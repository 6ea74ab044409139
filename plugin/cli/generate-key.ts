import { randomBytes } from 'node:crypto'
import type { Command } from 'commander'
import { resultOf, type CommandRun } from './command.js'

/** Adds `generate-key`: a key for `encryptionKeys`. */
export function addGenerateKey (program: Command, run: CommandRun): void {
  const command = program.command('generate-key')
    .description('print a new key for encryptionKeys: base64 of 32 random bytes')
  resultOf(command, run, async () => {
    const key = randomBytes(32).toString('base64')
    return { json: { key }, text: key }
  })
}
