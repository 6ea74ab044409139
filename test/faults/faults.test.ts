import { randomInt } from 'node:crypto'
import t from 'tap'
import { isThere } from '../helpers/redis.js'
import { report } from './report.js'
import { runRounds } from './rounds.js'

// The long form is `npm run test:faults`. What is chosen is the same with the same seed; what comes of it is a race.
const parts = [{ seed: 1, kills: 3, others: 9 }, { seed: randomInt(1_000_000), kills: 1, others: 1 }]

t.test(`K1, K2, K3, K4, D1, D2, I2 after faults of every kind every promise holds, with the seeds ${parts.map(({ seed }) => seed).join(' and ')}`, async t => {
  const findings = await runRounds(t, parts)
  t.comment(report(findings))
  t.same(findings.findings, [])
  const injected = [...findings.tally].filter(([what]) => what.startsWith('injected:') && !what.includes('killed '))
  t.equal(findings.tally.get('injected: process killed'), 4)
  t.ok(injected.length >= (isThere ? 20 : 14), `each kind of fault was injected: ${injected.length}`)
  for (const service of isThere ? ['Redis', 'the checker'] : ['the checker']) {
    t.ok((findings.tally.get(`answered: 503 while ${service} failed`) ?? 0) > 0, `${service} was missed`)
  }
})
