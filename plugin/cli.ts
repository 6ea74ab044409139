#!/usr/bin/env node
import { runCommandLine } from './cli/program.js'
import { processTerminal } from './cli/terminal.js'

const exitCode = await runCommandLine(process.argv.slice(2), processTerminal)
// A server that was started here goes on, and may fail later.
if (exitCode !== 0) process.exitCode = exitCode
