import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { migrate } from '../../plugin/storage/migrate.js'
import { startOwnPostgres } from '../helpers/postgres.js'
import { openDatabase } from './database.js'
import { enrol } from './growth-users.js'
import { withoutPictures, writeRegion } from './page-region.js'
import { untilStopped } from './scope.js'
import { openNetwork } from './soak-client.js'
import { soakClock } from './soak-clock.js'
import type { SoakUser } from './soak-flows.js'
import { judge, soakRegion } from './soak-report.js'
import { runSoak, type Slot } from './soak-run.js'

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    rate: { type: 'string', default: '30' },
    write: { type: 'boolean', default: false }
  }
})
const [minutes, rate] = [Number(values.minutes), Number(values.rate)]
if (!(minutes >= 0.5)) throw new RangeError('--minutes= takes 0.5 or more')
// So that a user has a new code when it is their turn again.
if (!(rate >= 1 && rate <= 50)) throw new RangeError('--rate= takes 1 to 50')

const [residentUsers, visitingUsers] = [500, 50]
const userHeader = 'x-user'

await untilStopped(async scope => {
  console.log(`${minutes} minutes and some seconds, ${rate} visits a second`)
  const postgres = await startOwnPostgres(scope)
  const url = await postgres.createDatabase()
  const db = openDatabase(scope, url)
  await migrate(db)
  const key = randomBytes(32).toString('base64')
  const began = Date.now()
  const clock = soakClock(began)
  const residents: SoakUser[] = []
  for (let user = 0; user < residentUsers; user++) {
    const id = `resident-${user}`
    const secret = await enrol(db, { key, enrolledAt: clock() }, id)
    residents.push({ id, secret: secret.base32, recoveryCodes: [], device: new Map() })
  }
  const visitors = Array.from({ length: visitingUsers }, (_, user): SoakUser =>
    ({ id: `visitor-${user}`, secret: undefined, recoveryCodes: [], device: new Map() }))

  const host = fork(new URL('./soak-host.ts', import.meta.url), {
    env: { ...process.env, DATABASE_URL: url, ENCRYPTION_KEY: key, BEGAN: String(began), USER_HEADER: userHeader },
    execArgv: [...process.execArgv, '--expose-gc']
  })
  scope.teardown(() => host.kill('SIGKILL'))
  const [origins] = await once(host, 'message') as [{ cookies: string, tokens: string }]

  const result = await runSoak({
    host,
    db,
    clock,
    userHeader,
    residents,
    visitors,
    rate,
    minutes,
    connect: onAnswer => ({
      cookies: openNetwork(origins.cookies, onAnswer), tokens: openNetwork(origins.tokens, onAnswer)
    }),
    onSlot: tell
  })
  const region = soakRegion(result, { minutes, rate })
  console.log(`\n${withoutPictures(region.text)}`)
  const verdict = judge(result, { minutes, rate })
  if (verdict.flat === false || Object.keys(result.surprises).length > 0) process.exitCode = 1
  if (values.write) await writeRegion(region)
})

function tell ({ minute, requests, p50, p99, delay, heap, rss }: Slot): void {
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
  console.log(`${minute.toFixed(1)} of ${minutes} minutes: ${requests} requests, p50 ${p50.toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ` +
    `event loop p99 ${delay.toFixed(1)} ms, heap ${mebibytes(heap)} MiB, process ${mebibytes(rss)} MiB`)
}
