import { readFileSync } from 'node:fs'
import { Kysely, type Dialect } from 'kysely'
import { kyselyStorage } from '../../plugin/storage/kysely.js'
import type { TwoFactorDatabase } from '../../plugin/storage/schema.js'
import type { GrantedClaim } from '../../plugin/storage/storage.js'
import { authenticator, enabled, hashes, now, later, pass, recoveryHash, rules } from './contract.js'

/** What is sent to a migrated, empty database for each operation, BEGIN and COMMIT among it. */
export async function countStatements (dialect: Dialect): Promise<Record<string, number>> {
  let sent = 0
  const db = new Kysely<TwoFactorDatabase>({ dialect, log: () => { sent++ } })
  const storage = kyselyStorage(db)
  const counts: Record<string, number> = {}
  async function count<Result> (name: string, task: () => Promise<Result>): Promise<Result> {
    sent = 0
    const result = await task()
    counts[name] = sent
    return result
  }

  const audit = { id: 'a', lockId: 'b', ip: null }
  const device = { id: 'laptop', tokenHash: Buffer.from('0'), label: 'x', createdAt: now, expiresAt: later(99) }
  try {
    await count('set up', () => enabled(storage))
    const claim = await count('count an attempt', () => storage.claimAttempt('ada', rules))
    await count('give it back', () => storage.refundAttempt('ada', claim as GrantedClaim))
    await count('count an attempt, audit', () => storage.claimAttempt('ada', { ...rules, audit }))
    await count('accept a code', () => storage.acceptStep('ada', { authenticatorId: 'phone', step: 101, fingerprint: Buffer.from('f'), now, pass: pass('1') }))
    await count('accept a code, audit', () => storage.acceptStep('ada', { authenticatorId: 'phone', step: 102, fingerprint: Buffer.from('f'), now, pass: pass('2'), audit }))
    await count('accept a recovery code', () => storage.acceptRecoveryCode('ada', { hash: recoveryHash('one'), now, pass: pass('3') }))
    await count('look for a pass', () => storage.findPass('ada', pass().idHash))
    await count('trust a device', () => storage.trustDevice('ada', { device, passIdHash: pass().idHash, now }))
    await count('use a device', () => storage.useDevice('ada', { id: 'laptop', tokenHash: Buffer.from('0'), nextHash: Buffer.from('1'), now, graceSince: now, pass: pass('4') }))
    await count('new recovery codes', () => storage.replaceRecoveryCodes('ada', { salt: Buffer.from('s'), hashes }))
    await count('add an authenticator', () => storage.addAuthenticator('ada', { authenticator: authenticator('b'), pass: pass('5') }, 9))
    await count('remove an authenticator', () => storage.removeAuthenticator('ada', 'b', { keepLast: true, keepPass: pass('5').idHash }))
    await count('turn off', () => storage.reset('ada'))
    return counts
  } finally {
    await db.destroy()
  }
}

const columns = ['PostgreSQL', 'SQLite', 'MySQL'] as const

/** What docs/operating.md says of that. */
export function documentedStatements (database: (typeof columns)[number]): Record<string, number> {
  const page = readFileSync(new URL('../../docs/operating.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| ([\w ,]+) \| (\d+) \| (\d+) \| (\d+) \|$/gm)]
  return Object.fromEntries(rows.map(([, operation = '', ...counts]) => [operation, Number(counts[columns.indexOf(database)])]))
}
