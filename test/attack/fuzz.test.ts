import t from 'tap'
import { openPostgres, startPostgres } from '../helpers/postgres.js'
import { openBearer, openSessions } from './arena.js'
import { fuzz } from './fuzz.js'

t.test('I4 thousands of malformed requests to every route: no server error, no crash, nothing hangs, nothing is written that was refused', async t => {
  const postgres = await startPostgres(t)
  const arenas = [
    await openSessions(t, await openPostgres(t, postgres)), await openBearer(t, await openPostgres(t, postgres))
  ]
  for (const { targets } of arenas) t.ok(targets.length > 40, `${targets.length} routes`)
  // Each run of the suite sends others; a finding names its request.
  const seed = Date.now() % 2 ** 31
  const { requests, raw, statuses, findings } = await fuzz(arenas, { requests: 3000, seed })
  t.same(findings, [], `seed ${seed}`)
  t.ok(requests > 2900)
  t.ok(raw >= 100)
  for (const status of ['200', '400', '401', '403', '404', '413', '415', 'raw 400']) {
    t.ok((statuses[status] ?? 0) > 0, `${status} is among ${JSON.stringify(statuses)}`)
  }
})
