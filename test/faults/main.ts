import { parseArgs } from 'node:util'
import tap from 'tap'
import { writeProof } from '../docs/proof-page.js'
import { page, report } from './report.js'
import { runRounds } from './rounds.js'

// `npm run test:faults -- --rounds=1000 --seed=1 --write`: so many kills, as many other rounds as half of them, and the
// report goes into docs/proof.md.
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, seed: { type: 'string' }, write: { type: 'boolean', default: false } }
})
const kills = Number(values.rounds)
const seed = Number(values.seed ?? Date.now() % 1_000_000)

// The helpers load tap, which would end this after half a minute.
tap.setTimeout(0)
const cleanups: Array<() => unknown> = []
console.log(`${kills} kills, ${Math.ceil(kills / 2)} other faults, seed ${seed}`)
const begin = Date.now()
let told = 0
try {
  const part = { seed, kills, others: Math.ceil(kills / 2) }
  const t = { teardown: (cleanup: () => unknown) => { cleanups.push(cleanup) } }
  const findings = await runRounds(t, [part], ({ findings }, round, rounds) => {
    for (; told < findings.length; told++) console.log(findings[told])
    if (round % 50 === 0) console.log(`${round} of ${rounds} rounds, ${Math.round((Date.now() - begin) / 1000)} s`)
  })
  console.log(report(findings))
  if (values.write) await writeProof('faults', page(findings, seed))
  if (findings.findings.length > 0) process.exitCode = 1
} finally {
  for (const cleanup of cleanups.reverse()) await cleanup()
}
