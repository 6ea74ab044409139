import { randomInt } from 'node:crypto'
import t from 'tap'
import { report } from './report.js'
import { runRounds } from './rounds.js'

// The long form is `npm run test:faults`. What is chosen is the same with the same seed; what comes of it is a race.
const parts = [{ seed: 1, kills: 4, others: 7 }, { seed: randomInt(1_000_000), kills: 2, others: 2 }]

t.test(`K1, K2, K3, K4, D1, I2 after faults of every kind every promise holds, with the seeds ${parts.map(({ seed }) => seed).join(' and ')}`, async t => {
  const findings = await runRounds(t, parts)
  t.comment(report(findings))
  t.same(findings.findings, [])
  const injected = [...findings.tally].filter(([what]) => what.startsWith('injected:'))
  t.equal(findings.tally.get('injected: process killed'), 6)
  t.ok(injected.length >= 8, 'each kind of fault was injected')
})
