import autocannon from 'autocannon'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { TOTP } from 'otpauth'
import { startOwnPostgres } from '../helpers/postgres.js'
import { HttpClient } from '../helpers/process.js'
import { median } from './rounds.js'

type Name = 'bare' | 'hooked' | 'guarded'
type Figures = Record<Name, number[]>

/**
 * A guarded request of a client that has passed, beside the same route with the session alone, and with what no guard
 * can do without: an empty hook and as long a session. Over HTTP.
 */
export async function benchGuard (rounds = 31, seconds = 1): Promise<void> {
  const cleanups: Array<() => unknown> = []
  const postgres = await startOwnPostgres({ teardown: cleanup => { cleanups.push(cleanup) } })
  const child = fork(new URL('./guard-host.ts', import.meta.url), {
    env: { ...process.env, DATABASE_URL: await postgres.createDatabase() }
  })
  try {
    const [origins] = await once(child, 'message') as [Record<Name, string>]
    const passed = new HttpClient(origins.guarded)
    await passed.post('/login')
    const { secret } = (await passed.post('/2fa/setup')).body
    await passed.post('/2fa/setup/confirm', { code: new TOTP({ secret: String(secret) }).generate() })
    const [plain, hooked] = [new HttpClient(origins.bare), new HttpClient(origins.hooked)]
    for (const client of [plain, hooked]) await client.post('/login')

    const cpuTime = async () => {
      child.send('cpu')
      const [{ user, system }] = await once(child, 'message') as [NodeJS.CpuUsage]
      return user + system
    }
    const contestants = [['bare', plain], ['hooked', hooked], ['guarded', passed]] as const
    const rates: Figures = { bare: [], hooked: [], guarded: [] }
    const costs: Figures = { bare: [], hooked: [], guarded: [] }
    for (let round = -1; round < rounds; round++) {
      // Forwards and backwards, so that whatever one leaves behind hits the others alike.
      for (const [name, client] of round % 2 === 0 ? contestants : contestants.toReversed()) {
        const before = await cpuTime()
        const { requests, duration } = await load(client, seconds)
        if (round < 0) continue
        rates[name].push(requests / duration)
        costs[name].push((await cpuTime() - before) / requests)
      }
    }
    const ratio = (over: number[], under: number[]) =>
      median(over.map((value, round) => value / (under[round] ?? NaN))).toFixed(3)
    console.log(`\nGuarded requests of a client that has passed, over HTTP, ${rounds} rounds\n`)
    for (const [name] of contestants) {
      console.log(`  ${name.padEnd(8)} ${Math.round(median(rates[name])).toLocaleString('en')} requests/s, ` +
        `${median(costs[name]).toFixed(1)} µs of the server's CPU each`)
    }
    for (const name of ['hooked', 'guarded'] as const) {
      console.log(`  ${name} to bare, median of the rounds: ${ratio(rates[name], rates.bare)} by requests/s, ` +
        `${ratio(costs.bare, costs[name])} by CPU time`)
    }
  } finally {
    child.kill()
    for (const cleanup of cleanups) await cleanup()
  }
}

async function load (
  { origin, cookie }: HttpClient, seconds: number
): Promise<{ requests: number, duration: number }> {
  const result = await autocannon({ url: `${origin}/dashboard`, connections: 20, duration: seconds, headers: { cookie } })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} failed`)
  return { requests: result.requests.total, duration: result.duration }
}
