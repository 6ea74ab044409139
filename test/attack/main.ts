import { parseArgs } from 'node:util'
import t from 'tap'
import { circumstances, number, writeProof } from '../docs/proof-page.js'
import { openPostgres, startPostgres } from '../helpers/postgres.js'
import { openBearer, openSessions } from './arena.js'
import { fuzz } from './fuzz.js'

// `npm run fuzz -- --requests=1000000 --seed=1 --write`: the report goes into docs/proof.md.
const { values } = parseArgs({
  options: { requests: { type: 'string', default: '100000' }, seed: { type: 'string' }, write: { type: 'boolean', default: false } }
})
const requests = Number(values.requests)
const seed = Number(values.seed ?? Date.now() % 2 ** 31)

// The helpers bring it, and it gives a file thirty seconds.
t.setTimeout(0)
const cleanups: Array<() => unknown> = []
const scope: Parameters<typeof startPostgres>[0] = {
  teardown: (cleanup: () => unknown) => { cleanups.unshift(cleanup) }
}
const postgres = await startPostgres(scope)
const arenas = [
  await openSessions(scope, await openPostgres(scope, postgres)),
  await openBearer(scope, await openPostgres(scope, postgres))
]
const start = performance.now()
let next = 0
const report = await fuzz(arenas, {
  requests,
  seed,
  onProgress (sent) {
    if (sent < next) return
    next += requests / 20
    console.log(`${sent} requests, ${Math.round(sent / (performance.now() - start) * 1000)}/s`)
  }
})
for (const cleanup of cleanups) await cleanup()

const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1)
const seconds = Math.round((performance.now() - start) / 1000)
const routes = arenas.map(({ name, targets }) => `${targets.length} routes (${name})`).join(' and ')
const answers = Object.entries(report.statuses).map(([status, count]) => `${status} × ${number(count)}`).join(', ')
const text = `${circumstances()}; seed ${seed}. **${report.findings.length === 0 ? 'Nothing was found.' : `${report.findings.length} findings.`}**

${number(report.requests)} malformed requests to ${routes} in ${number(seconds)} s, ${number(report.raw)} of them as bytes on a socket.

Answers: ${answers}.

Heap after a collection, in MiB, at each tenth: ${report.heap.map(mebibytes).join(', ')}.`
console.log(text)
for (const finding of report.findings) console.log(finding)
if (values.write) await writeProof('fuzz', text)
process.exit(report.findings.length === 0 ? 0 : 1)
