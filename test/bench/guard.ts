import autocannon from 'autocannon'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { TOTP } from 'otpauth'
import { startPostgres } from '../helpers/postgres.js'
import { HttpClient } from '../helpers/process.js'
import { median } from './rounds.js'

/** A guarded request of a client that has passed, beside the same route with the session alone. Over HTTP. */
export async function benchGuard (rounds = 9, seconds = 2): Promise<void> {
  const cleanups: Array<() => unknown> = []
  const postgres = await startPostgres({ teardown: cleanup => { cleanups.push(cleanup) } })
  const child = fork(new URL('./guard-host.ts', import.meta.url), {
    env: { ...process.env, DATABASE_URL: await postgres.createDatabase() }
  })
  try {
    const [origins] = await once(child, 'message') as [{ bare: string, guarded: string }]
    const passed = new HttpClient(origins.guarded)
    await passed.post('/login')
    const { secret } = (await passed.post('/2fa/setup')).body
    await passed.post('/2fa/setup/confirm', { code: new TOTP({ secret: String(secret) }).generate() })
    const plain = new HttpClient(origins.bare)
    await plain.post('/login')

    const speeds = { bare: [] as number[], guarded: [] as number[] }
    for (let round = -1; round < rounds; round++) {
      for (const [name, client] of [['bare', plain], ['guarded', passed]] as const) {
        const speed = await load(client, seconds)
        if (round >= 0) speeds[name].push(speed)
      }
    }
    const ratios = speeds.guarded.map((speed, round) => speed / (speeds.bare[round] ?? NaN))
    console.log('\nGuarded requests of a client that has passed, over HTTP\n')
    console.log(`  session alone: ${Math.round(median(speeds.bare)).toLocaleString('en')} requests/s`)
    console.log(`  guarded:       ${Math.round(median(speeds.guarded)).toLocaleString('en')} requests/s`)
    console.log(`  ratio, median of ${rounds} pairs of rounds: ${median(ratios).toFixed(3)}`)
  } finally {
    child.kill()
    for (const cleanup of cleanups) await cleanup()
  }
}

async function load ({ origin, cookie }: HttpClient, duration: number): Promise<number> {
  const result = await autocannon({ url: `${origin}/dashboard`, connections: 20, duration, headers: { cookie } })
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${result.non2xx} refused, ${result.errors} failed`)
  return result.requests.total / result.duration
}
