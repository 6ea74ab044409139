import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { authenticatorApi } from '../../plugin/index.js'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import { migrate } from '../../plugin/storage/migrate.js'
import { connect, freePort, startOwnPostgres } from '../helpers/postgres.js'
import { HttpClient, startServer } from '../helpers/process.js'
import { median } from './rounds.js'
import { enrolUsers } from './verify.js'

const secretCode = '12345678BXYT'
const pin = '000000'
const concurrency = 50
const start = Date.parse('2026-01-01T00:00:00Z')

/** @param worker - Which of the callers at the same time it is. */
type Call = (worker: number) => Promise<unknown>

/** Verdicts of the compatible server per second, through the verifier and as the guide has it; and of a dead one. */
export async function benchRemote (rounds = 7, calls = 4000): Promise<void> {
  const child = fork(new URL('./checker-host.ts', import.meta.url))
  const [url] = await once(child, 'message') as [string]
  const verifier = authenticatorApi({ url, allowHttp: true })
  try {
    const contestants: Record<string, Call> = {
      'authenticatorApi()': async () => {
        const verdict = await check(verifier)
        if (verdict.right) throw new Error('A wrong code was right')
      },
      fetch: async () => {
        const response = await fetch(`${url}/Validate.aspx?Pin=${pin}&SecretCode=${secretCode}`)
        if (await response.text() !== 'False') throw new Error('A wrong code was right')
      }
    }
    const empty = () => ({ rates: [] as number[], p99s: [] as number[] })
    const measured = new Map(Object.keys(contestants).map(name => [name, empty()]))
    for (let round = -1; round < rounds; round++) {
      for (const [name, call] of Object.entries(contestants)) {
        const { rate, p99 } = await run(call, calls)
        if (round < 0) continue
        measured.get(name)?.rates.push(rate)
        measured.get(name)?.p99s.push(p99)
      }
    }
    console.log(`\nRemote verdicts on loopback, ${concurrency} at a time, ${rounds} alternating rounds of ${calls}\n`)
    for (const [name, { rates, p99s }] of measured) {
      console.log(`  ${name.padEnd(18)} ${Math.round(median(rates)).toLocaleString('en')} verdicts/s, p99 ${median(p99s).toFixed(1)} ms`)
    }
  } finally {
    await verifier.close?.()
    child.kill()
  }
  await benchOutage()
}

/** Verifies over HTTP on PostgreSQL while the service is dead: each one is claimed, refused and refunded. */
async function benchOutage (calls = 2000, workers = 4): Promise<void> {
  const cleanups: Array<() => unknown> = []
  const t = { teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) } }
  try {
    const postgres = await startOwnPostgres(t)
    const url = await postgres.createDatabase()
    const db = connect(t, url, 2)
    await migrate(db)
    const key = randomBytes(32).toString('base64')
    await enrolUsers(kyselyStorage(db), key, 'authenticator-api')
    const { origin } = await startServer(t, {
      DATABASE_URL: url,
      ENCRYPTION_KEY: key,
      NOW: String(start),
      RATE_LIMIT: 'off',
      AUTHENTICATOR_API: `http://127.0.0.1:${await freePort()}`
    })
    const clients = Array.from({ length: workers }, () => new HttpClient(origin))
    await Promise.all(clients.map((client, index) => client.post(`/login/user-${index}`)))
    const call: Call = async worker => {
      const { status } = await clients[worker]?.post('/2fa/verify', { code: pin }) ?? {}
      if (status !== 503) throw new Error(`A dead service answered ${status}`)
    }
    // The first five open the breaker.
    await run(call, calls / 10, workers)
    const { rate, p99 } = await run(call, calls, workers)
    console.log(`  a dead service, ${workers} at a time, once the breaker is open: ${Math.round(rate).toLocaleString('en')} refusals/s ` +
      `over HTTP, p99 ${p99.toFixed(1)} ms`)
  } finally {
    for (const cleanup of cleanups) await cleanup()
  }
}

async function check (verifier: ReturnType<typeof authenticatorApi>) {
  return verifier.check({
    key: Buffer.from(secretCode), code: pin, now: Date.now(), window: 1, algorithm: 'SHA1', digits: 6, period: 30
  })
}

/** @returns Calls per second, and the time in milliseconds that 99 of 100 took less than. */
async function run (
  call: Call, calls: number, workers = concurrency
): Promise<{ readonly rate: number, readonly p99: number }> {
  const times: number[] = []
  let begun = 0
  const began = performance.now()
  await Promise.all(Array.from({ length: workers }, async (_, worker) => {
    while (begun++ < calls) {
      const before = performance.now()
      await call(worker)
      times.push(performance.now() - before)
    }
  }))
  const rate = times.length / (performance.now() - began) * 1000
  return { rate, p99: times.sort((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN }
}
