import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { sql } from 'kysely'
import { TOTP } from 'otpauth'
import t from 'tap'
import { kyselyStorage } from '../../plugin/index.js'
import { prune } from '../../plugin/cli/prune.js'
import { encodeBase32 } from '../../plugin/otp/base32.js'
import { buildHost, createClock, signIn } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'
import { runCli, typing, type RunOptions } from './terminal.js'

const server = await startPostgres(t)
const folder = mkdtempSync(join(tmpdir(), 'two-factor-cli-'))
t.teardown(() => rmSync(folder, { recursive: true, force: true }))
const newKey = () => randomBytes(32).toString('base64')
const base32 = (index: number) => encodeBase32(Buffer.alloc(20, String(index)))

/** A database with its tables, and a way to run commands on it. */
async function setUp (keys = [newKey()]) {
  const url = await server.createDatabase()
  const db = connect(t, url)
  const env = { DATABASE_URL: url, TWO_FACTOR_KEYS: keys.join(', ') }
  const run = (args: string[], options: RunOptions = {}) =>
    runCli(args, { ...options, env: { ...env, ...options.env } })
  t.match(await run(['migrate']), { code: 0, stdout: 'The tables are up to date\n', stderr: '' })
  const file = (name: string, content: string) => {
    const path = join(folder, `${randomBytes(4).toString('hex')}-${name}`)
    writeFileSync(path, content)
    return path
  }
  return { url, db, env, run, file, keys }
}

/** A file of so many users. */
function users (count: number): string {
  return ['user_id,secret', ...Array.from({ length: count }, (_, index) => `user-${index},${base32(index)}`)].join('\n')
}

t.test('generate-key prints a key that the plugin takes', async t => {
  const { code, stdout } = await runCli(['generate-key'])
  t.equal(code, 0)
  await t.resolves(buildHost(t, { encryptionKeys: [stdout.trim()] }))
  const { key } = JSON.parse((await runCli(['generate-key', '--json'])).stdout) as { key: string }
  t.equal(Buffer.from(key, 'base64').length, 32)
  t.not(key, stdout.trim())
})

t.test('what the environment lacks ends it with 2, and says what to set', async t => {
  const { env } = await setUp()
  for (const args of [['migrate'], ['status'], ['prune'], ['import', 'a.csv'], ['rotate-keys']]) {
    t.match(await runCli(args, { env: { ...env, DATABASE_URL: undefined } }), { code: 2, stdout: '', stderr: /^error: set DATABASE_URL|^error: set TWO_FACTOR/ }, args.join(' '))
  }
  for (const args of [['rotate-keys'], ['import', 'a.csv'], ['switch-verifier', '--all', '--to', 'local']]) {
    t.match(await runCli(args, { env: { ...env, TWO_FACTOR_KEYS: '' } }), { code: 2, stderr: /TWO_FACTOR_KEYS/ }, args.join(' '))
    const weak = await runCli(args, { env: { ...env, TWO_FACTOR_KEYS: 'c2VjcmV0' } })
    t.match(weak, { code: 2, stderr: /encryptionKeys/ })
    t.notMatch(weak.stderr, 'c2VjcmV0')
  }
  for (const args of [['reset'], ['status', 'ada', 'bob'], ['switch-verifier', '--to', 'local'], ['switch-verifier', 'ada', '--all', '--to', 'local'],
    ['switch-verifier', 'ada', '--to', 'nobody'], ['rotate-keys', '--batch-size', '0'], ['import', 'secrets.txt'], ['import', '-'],
    ['prune', '--events-older-than', 'x']]) {
    t.match(await runCli(args, { env }), { code: 2, stdout: '', stderr: /^error: / }, args.join(' '))
  }
})

t.test('a database out of reach, and one without tables, end it with 1', async t => {
  const env = { DATABASE_URL: 'postgres://ada:hidden@127.0.0.1:1/none', TWO_FACTOR_KEYS: newKey() }
  const unreachable = await runCli(['status', 'ada'], { env })
  t.match(unreachable, { code: 1, stderr: /^error: .*ECONNREFUSED/ })
  t.notMatch(unreachable.stderr, 'hidden')
  t.match(await runCli(['status'], { env: { ...env, DATABASE_URL: await server.createDatabase() } }), { code: 1, stderr: /migrate/ })
})

t.test('import, status, unlock and reset of a user', async t => {
  const { url, db, run, file, keys } = await setUp()
  const csv = file('users.csv', 'user_id,secret,name\nada,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,"Ada\'s ""phone"", old"\n')
  t.match(await run(['import', csv, '--audit']), { code: 0, stdout: '1 secret imported, 0 known already, 0 refused\n', stderr: '' })
  t.match(await run(['import', csv]), { code: 0, stdout: '0 secrets imported, 1 known already, 0 refused\n' })

  const clock = createClock(new Date().toISOString())
  const host = await buildHost(t, { clock, storage: kyselyStorage(db), encryptionKeys: keys, audit: true })
  const code = new TOTP({ secret: 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP' }).generate({ timestamp: clock() })
  t.equal((await (await signIn(host)).post('/2fa/verify', { code })).statusCode, 200, 'the app goes on')

  t.match(await run(['status', 'ada']), { code: 0, stdout: /^Two-factor authentication is on\n {2}"Ada's \\"phone\\", old" \(local\), set up 20/ })
  await db.updateTable('two_factor_users').set({ failed_attempts: 7, locked_until: new Date(Date.now() + 60_000) }).execute()
  t.match(JSON.parse((await run(['status', 'ada', '--json'])).stdout), { userId: 'ada', enabled: true, failedAttempts: 7, lockedUntil: /^20.*Z$/ })
  t.match(JSON.parse((await run(['status', '--json'])).stdout), {
    enabled: 1,
    locked: 1,
    disabled: 0,
    authenticators: { local: 1 },
    keys: [{ current: true, available: true, secrets: 1, recoverySalts: 1 }]
  })
  t.match(await run(['status'], { env: { TWO_FACTOR_KEYS: '' } }), { code: 0, stdout: /^1 user with.*1 locked[\s\S]*1 authenticator checked by local\nKey [0-9a-f]{8} \(encryptionKeys\)/ })
  t.match(await run(['unlock', 'ada', '--audit']), { code: 0, stdout: 'Unlocked\n' })
  t.match(JSON.parse((await run(['status', 'ada', '--json'])).stdout), { failedAttempts: 0, lockedUntil: null })

  t.match(await run(['reset', 'ada']), { code: 2, stderr: /--yes/ }, 'nobody to ask')
  t.match(await run(['reset', 'ada'], { isTTY: true, input: typing('n') }), { code: 1, stderr: /"ada" off\?.*nothing was changed/s })
  t.equal((await host.app.twoFactor.status('ada')).enabled, true)
  t.match(await run(['reset', 'ada', '--audit'], { isTTY: true, input: typing('y') }), { code: 0, stdout: 'Two-factor authentication is off\n' })
  t.match(await host.app.twoFactor.events('ada'), [{ type: 'reset' }, { type: 'unlocked' }, { type: 'verified' }, { type: 'imported', authenticatorId: /^imported-/ }])
  t.notOk((await host.app.twoFactor.status('ada')).enabled)

  for (const args of [['status', 'ada'], ['unlock', 'ada'], ['reset', 'ada', '--yes'], ['switch-verifier', 'ada', '--to', 'local']]) {
    t.equal((await run(args)).code, 3, args.join(' '))
  }
  t.match(await runCli(['status', '--database-url', url]), { code: 0 })
})

t.test('import refuses what does not fit, by line and reason, and never repeats it', async t => {
  const { db, run, file } = await setUp()
  const rows = [
    'user_id,secret,encoding,kind,digits,period',
    'ada,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,,,,',
    'tiny,JBSWY3DP,,,,',
    'eight,KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU,,,8,',
    'odd,KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU,,,6,soon',
    ',KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU,,,,',
    'short,KRSXG5CTMVRXEZLUKRSXG5CTMVRXEZLU',
    'service,12345678BXYT,ascii,authenticator-api,,',
    'custom,12345678BXYT,ascii,nobody,,',
    'ada,12345678BXYT,ascii,,,'
  ].join('\r\n')
  const expected = { refused: 6, problems: [3, 4, 5, 6, 7, 9].map(line => ({ line })), stopped: null, lastLine: 10 }
  const dry = await run(['import', file('bad.csv', rows), '--dry-run', '--json'], { env: { DATABASE_URL: '', TWO_FACTOR_KEYS: '' } })
  t.equal(dry.code, 1)
  t.match(JSON.parse(dry.stdout), { dryRun: true, imported: 3, ...expected })
  t.equal(await count(), 0)

  const real = await run(['import', file('bad.csv', rows), '--json'])
  t.equal(real.code, 1)
  t.match(JSON.parse(real.stdout), { dryRun: false, imported: 3, known: 0, ...expected })
  t.match(real.stderr, /^line 3: .*80 bits/m)
  t.equal(await count(), 3, 'also the second one of a user who is twice in it')
  for (const { stdout, stderr } of [dry, real]) t.notMatch(stdout + stderr, /JBSWY|KRSXG|12345678/)

  t.match(await run(['import', file('bad.csv', rows), '--digits', '8', '--max-errors', '2']), { code: 1, stdout: /Stopped at line/ })
  for (const [name, content] of [
    ['none.csv', ''], ['headless.csv', 'ada,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n'], ['twice.csv', 'user_id,user_id,secret\n'],
    ['open.csv', 'user_id,secret\n"ada,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n'], ['quote.csv', 'user_id,secret\nada,JB"SWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\n'],
    ['after.csv', 'user_id,secret\nada,"JBSWY3DP"EHPK3PXPJBSWY3DPEHPK3PXP\n'], ['long.csv', `user_id,secret\nada,${'JBSWY3DP'.repeat(10_000)}\n`]
  ] as const) {
    const { code, stdout, stderr } = await run(['import', file(name, content)])
    t.equal(code, 1, name)
    t.notMatch(stdout + stderr, /JBSWY/i, name)
    t.match(stderr, /^error: /, name)
  }
  t.match(await run(['import', join(folder, 'missing.csv')]), { code: 1, stderr: /ENOENT/ })
  t.match(await run(['import', file('a.csv', users(1))], { env: { TWO_FACTOR_KEYS: newKey() } }), { code: 1, stderr: /do not fit/ }, 'keys of another app')

  async function count (): Promise<number> {
    return (await db.selectFrom('two_factor_authenticators').select('id').execute()).length
  }
})

t.test('NDJSON from standard input, in pieces, with ids that are numbers', async t => {
  const { db, run } = await setUp()
  const lines = [
    '\ufeff{"user_id":42,"secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP","digits":6,"period":60,"name":"Zoë’s"}',
    '{"user_id":"bob","secret":', '[]', '{"user_id":"bob","secert":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}', '',
    '{"user_id":"bob","secret":["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"]}', '{"user_id":"\\ud800","secret":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}',
    `{"user_id":"${'x'.repeat(70_000)}"}`, '{"user_id":"hex","secret":"77666A742E5078543C35565271304B483564393F","encoding":"hex"}'
  ]
  const bytes = Buffer.from(lines.join('\n'))
  const pieces = Array.from({ length: Math.ceil(bytes.length / 7) }, (_, index) =>
    bytes.subarray(index * 7, index * 7 + 7))
  const ran = await run(['import', '-', '--format', 'ndjson', '--json'], { input: Readable.from(pieces, { objectMode: false }) })
  t.match(JSON.parse(ran.stdout), { imported: 2, refused: 6, problems: [2, 3, 4, 6, 7, 8].map(line => ({ line })) })
  t.notMatch(ran.stderr + ran.stdout, /JBSWY|7766/)
  const rows = await db.selectFrom('two_factor_authenticators').select(['user_id', 'name', 'period', 'key_encoding']).orderBy('user_id').execute()
  t.match(rows, [{ user_id: '42', name: 'Zoë’s', period: 60 }, { user_id: 'hex', key_encoding: 'hex' }])
})

t.test('an import that is stopped goes on where it was, and two at once do each user once', async t => {
  const { db, run, file } = await setUp()
  const path = file('many.csv', users(670))
  const stop = new AbortController()
  stop.abort()
  const stopped = await run(['import', path, '--json'], { signal: stop.signal })
  t.equal(stopped.code, 130)
  t.match(JSON.parse(stopped.stdout), { stopped: 'signal', imported: 1 })
  const both = await Promise.all([run(['import', path, '--json']), run(['import', path, '--json'])])
  const results = both.map(({ code, stdout }) => (
    { code, ...JSON.parse(stdout) as { imported: number, known: number } }))
  t.match(results, [{ code: 0 }, { code: 0 }])
  t.equal(results.reduce((sum, { imported }) => sum + imported, 0), 669)
  t.equal(results.reduce((sum, { known }) => sum + known, 0), 671)
  const { rows } = await sql<{ users: string, secrets: string }>`
    select (select count(*) from two_factor_users) as users, (select count(*) from two_factor_authenticators) as secrets`.execute(db)
  t.match(rows, [{ users: '670', secrets: '670' }])
})

t.test('rotate-keys: shows a bar on a terminal, is stopped and goes on; a missing key is told', async t => {
  const [old, current] = [newKey(), newKey()]
  const { run, file } = await setUp([old])
  await run(['import', file('many.csv', users(30))])
  const both = { TWO_FACTOR_KEYS: `${current},${old}` }

  const stop = new AbortController()
  const drawn: string[] = []
  const stopped = await run(['rotate-keys', '--batch-size', '10', '--json'], {
    env: both, isTTY: true, signal: stop.signal, onError: text => { drawn.push(text); stop.abort() }
  })
  t.equal(stopped.code, 130)
  t.same(JSON.parse(stopped.stdout), { resealed: 10, failed: 0, stopped: true })
  t.match(drawn[0], /\[#+-+\] 16 % {2}10 values, .* left$/)
  t.match(await run(['rotate-keys'], { env: both }), { code: 0, stdout: '50 values sealed anew\n', stderr: '' }, 'no bar in a pipe')
  t.match(await run(['rotate-keys'], { env: both }), { code: 0, stdout: '0 values sealed anew\n' })
  t.match(await run(['rotate-keys'], { env: { TWO_FACTOR_KEYS: newKey() } }), { code: 1, stdout: /60 values could not be opened/ })
  t.match(await run(['status'], { env: { TWO_FACTOR_KEYS: newKey() } }), { stdout: /MISSING: give it again\): 30 secrets, 30 recovery salts/ })
})

t.test('switch-verifier: one user, then all', async t => {
  const { db, run, file } = await setUp()
  const rows = Array.from({ length: 20 }, (_, index) => `user-${index},SecretCode${String(index).padStart(4, '0')}`)
  await run(['import', file('service.csv', ['user_id,secret', ...rows].join('\n')), '--encoding', 'ascii', '--kind', 'authenticator-api'])
  t.match(await run(['switch-verifier', 'user-3', '--to', 'local']), { code: 0, stdout: '1 authenticator switched to local\n' })
  t.match(await run(['switch-verifier', '--all', '--to', 'local', '--json']), { code: 0, stdout: '{"switched":19,"failed":0,"stopped":false}\n' })
  t.same(await db.selectFrom('two_factor_authenticators').select('kind').distinct().execute(), [{ kind: 'local' }])

  await run(['import', file('more.csv', 'user_id,secret,period\nslow,JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP,60\n')])
  const back = await run(['switch-verifier', '--all', '--to', 'authenticator-api'])
  t.match(back, { code: 1, stdout: '20 authenticators switched to authenticator-api\n1 user stayed as they are\n', stderr: /^"slow": .*30 seconds/ })
  t.match(await run(['switch-verifier', '--all', '--to', 'local'], { signal: AbortSignal.abort() }), { code: 130, stdout: /again to go on/ })
})

t.test('prune forgets what ran out and nothing else, page by page', async t => {
  const { db, run } = await setUp()
  const [past, future] = [new Date(Date.now() - 1000), new Date(Date.now() + 60_000)]
  const bytes = (index: number) => Buffer.from(String(index))
  for (let index = 0; index < 10; index++) {
    const row = { user_id: `user-${index % 3}`, expires_at: index % 2 ? past : future }
    await db.insertInto('two_factor_passes').values({ ...row, id_hash: bytes(index), generation: 1, method: 'totp', passed_at: past }).execute()
    await db.insertInto('two_factor_used_codes').values({ ...row, authenticator_id: 'phone', fingerprint: bytes(index) }).execute()
    await db.insertInto('two_factor_trusted_devices').values({
      ...row, id: String(index), generation: 1, token_hash: bytes(index), rotated_at: past, label: 'Laptop', created_at: past
    }).execute()
    await db.insertInto('two_factor_events').values({ user_id: 'ada', id: String(index), type: 'verified', at: new Date(Date.now() - index * 86_400_000) }).execute()
  }
  const ran = await run(['prune', '--json', '--events-older-than', '6'])
  t.same(JSON.parse(ran.stdout), { deleted: { passes: 5, usedCodes: 5, trustedDevices: 5, events: 4 }, stopped: false })
  t.equal(ran.code, 0)
  for (const table of ['passes', 'used_codes', 'trusted_devices'] as const) {
    const rows = await db.selectFrom(`two_factor_${table}`).select('expires_at').execute()
    t.equal(rows.length, 5, table)
    t.ok(rows.every(({ expires_at: at }) => at.getTime() === future.getTime()), table)
  }
  t.match(await run(['prune']), { code: 0, stdout: 'Deleted 0 rows (passes: 0, usedCodes: 0, trustedDevices: 0)\n' })
  t.match(await run(['prune'], { signal: AbortSignal.abort() }), { code: 130 })
  const later = { signal: new AbortController().signal, now: new Date(Date.now() + 120_000), onProgress () {} }
  t.match(await prune(kyselyStorage(db), {}, later), { passes: 5 })
})
