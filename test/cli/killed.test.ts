import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { sql } from 'kysely'
import t from 'tap'
import { createCommandService } from '../../plugin/cli/context.js'
import { kyselyStorage, migrate } from '../../plugin/index.js'
import { encodeBase32 } from '../../plugin/otp/base32.js'
import { createKeyRing } from '../../plugin/secrets/key-ring.js'
import { buildHost, codeAt, createClock, signIn } from '../helpers/host.js'
import { connect, startPostgres } from '../helpers/postgres.js'

const users = 10_000
const newKey = () => randomBytes(32).toString('base64')

t.test('K3 rotation of 10,000 users, stopped and then killed: everything opens at any moment, and a third run finishes', async t => {
  const server = await startPostgres(t)
  const url = await server.createDatabase()
  const db = connect(t, url)
  await migrate(db)
  const storage = kyselyStorage(db)
  const [old, current] = [newKey(), newKey()]
  const { service } = createCommandService(storage, [old], {})
  const secrets = Array.from({ length: users }, () => encodeBase32(randomBytes(20)))
  for (let start = 0; start < users; start += 500) {
    await service.importSecrets(secrets.slice(start, start + 500).map((secret, index) => ({ userId: `user-${start + index}`, imported: { secret } })))
  }

  const [mark] = createKeyRing([current]).marks
  const rotated = async () => {
    const { rows: [row] } = await sql<{ count: string }>`
      select count(*) from two_factor_authenticators where substring(secret from 1 for 5) = ${Buffer.from(mark ?? [])}`.execute(db)
    return Number(row?.count)
  }
  const rotate = () => {
    const child = spawn(process.execPath, [
      '--import=./test/strip-types/register.js', '--conditions=@fastify-authenticator-2fa/source', 'plugin/cli.ts', 'rotate-keys', '--batch-size', '20', '--json'
    ], { cwd: fileURLToPath(new URL('../../', import.meta.url)), env: { ...process.env, DATABASE_URL: url, TWO_FACTOR_KEYS: `${current},${old}` } })
    t.teardown(() => child.kill('SIGKILL'))
    let stdout = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => { stdout += chunk })
    child.stderr.resume()
    const ended = once(child, 'close').then(([code, signal]: unknown[]) => ({ by: code ?? signal, stdout }))
    return { child, ended }
  }
  const untilMoreThan = async (count: number) => {
    while (await rotated() <= count) await new Promise(resolve => setTimeout(resolve, 20))
  }

  const first = rotate()
  await untilMoreThan(0)
  first.child.kill('SIGINT')
  const stopped = await first.ended
  t.equal(stopped.by, 130)
  const done = JSON.parse(stopped.stdout) as { resealed: number, stopped: boolean }
  t.equal(done.stopped, true)
  t.equal(await rotated(), done.resealed, 'what was under way was brought to its end, and told')

  const second = rotate()
  await untilMoreThan(done.resealed)
  second.child.kill('SIGKILL')
  t.equal((await second.ended).by, 'SIGKILL')
  const left = users - await rotated()
  t.ok(left > 0 && left < users, `${left} are left`)
  await everythingOpens([current, old])

  const host = await buildHost(t, { storage, encryptionKeys: [current, old], clock: createClock() })
  for (const index of [0, 1, 4_999, 9_998, 9_999]) {
    const client = await signIn(host, `user-${index}`)
    t.equal((await client.post('/2fa/verify', { code: codeAt(secrets[index] ?? '', host.clock) })).statusCode, 200)
  }

  // Sign-ins in this process while the other one goes on.
  const third = rotate()
  host.clock.advance(30)
  const verifies = await Promise.all(Array.from({ length: 40 }, async (_, number) => {
    const index = users - 1 - number * 7
    const client = await signIn(host, `user-${index}`)
    return (await client.post('/2fa/verify', { code: codeAt(secrets[index] ?? '', host.clock) })).statusCode
  }))
  t.ok(verifies.every(status => status === 200))
  const { by, stdout } = await third.ended
  t.equal(by, 0)
  t.match(JSON.parse(stdout), { failed: 0, stopped: false })
  t.equal(await rotated(), users)
  await everythingOpens([current])

  async function everythingOpens (keys: string[]): Promise<void> {
    const { open } = createKeyRing(keys)
    const rows = await db.selectFrom('two_factor_authenticators as a')
      .innerJoin('two_factor_users as u', 'u.user_id', 'a.user_id')
      .select(['a.user_id', 'a.id', 'a.secret', 'u.recovery_salt'])
      .execute()
    t.equal(rows.length, users)
    const wrong = rows.filter(({ user_id: user, id, secret, recovery_salt: salt }) => {
      const opened = encodeBase32(open('authenticator-secret', [user, id], secret))
      return opened !== secrets[Number(user.slice(5))] || salt === null || open('recovery-salt', [user], salt).length !== 32
    })
    t.same(wrong, [])
  }
})
