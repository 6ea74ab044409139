import { parseArgs } from 'node:util'
import { startOwnPostgres } from '../../helpers/postgres.js'
import { installBetterAuth, startBetterAuth } from './better-auth.js'
import { settings } from './database.js'
import { startFloor } from './floor.js'
import { startOurs } from './ours.js'
import { goals, report, writeReport, type Findings } from './report.js'
import { compareGuards, compareRates, compareSetups, compareVerifies } from './scenarios.js'

const { values } = parseArgs({ options: { rounds: { type: 'string', default: '5' }, write: { type: 'boolean', default: false } } })
const rounds = Number(values.rounds)
if (!Number.isInteger(rounds) || rounds < 1) throw new RangeError('--rounds must be a number from 1')
if (values.write && rounds < 5) throw new RangeError('A median that is written down needs at least five rounds')

const cleanups: Array<() => unknown> = []
try {
  const findings = await run({ teardown: cleanup => { cleanups.unshift(cleanup) } })
  const text = report(findings)
  console.log(`${text}\n\n${goals(findings)}`)
  if (values.write) writeReport(text)
} finally {
  for (const cleanup of cleanups) await cleanup()
}

async function run (t: { readonly teardown: (cleanup: () => unknown) => void }): Promise<Findings> {
  const installed = await installBetterAuth(t)
  const postgres = await startOwnPostgres(t, settings)
  const { one, two } = await startOurs(t, postgres)
  const peer = await startBetterAuth(t, postgres, installed, false)
  const cached = await startBetterAuth(t, postgres, installed, true)
  const [statements, session, bare] = [
    await startFloor(t, postgres, 'kysely'), await startFloor(t, postgres, 'session'), await startFloor(t, postgres, 'pg')
  ]
  return {
    version: installed.version,
    rounds,
    ...await compareVerifies([one, peer, statements], rounds),
    guarded: await compareGuards([one, peer, cached], rounds),
    setups: await compareSetups([one, peer], rounds),
    floor: await compareRates([one, statements, session, bare], rounds),
    processes: await compareRates([one, two], rounds)
  }
}
