#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { addServeApi } from './cli/serve-api.js'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

const program = new Command('fastify-authenticator-2fa')
  .description('Two-factor authentication for Fastify: what runs beside an app.')
  .version(version)
  // 2 is for what was typed, as in other tools, and 1 for what then failed.
  .exitOverride(({ code, exitCode }) => process.exit(exitCode !== 0 && code.startsWith('commander.') ? 2 : exitCode))

addServeApi(program)

await program.parseAsync()
