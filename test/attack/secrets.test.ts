import { Secret } from 'otpauth'
import { setFlagsFromString, getHeapSnapshot } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { inspect } from 'node:util'
import { sql } from 'kysely'
import t from 'tap'
import { kyselyStorage } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { tables } from '../helpers/empty-tables.js'
import { buildHost, Client, codeAt, encryptionKeys, type Clock } from '../helpers/host.js'

/** The ways in which bytes may be written down. */
function encodings (bytes: Buffer): string[] {
  const base32 = Buffer.from(new Secret({ buffer: Uint8Array.from(bytes).buffer }).base32).toString('latin1')
  const base64 = bytes.toString('base64').split('=', 1).join()
  const others = (['hex', 'base64url', 'latin1'] as const).map(encoding => bytes.toString(encoding))
  return [base32, base32.toLowerCase(), base64, ...others]
}

/** Somebody who has enrolled and passed, of whom only what must be kept is kept here. */
async function walk (app: Client['app'], clock: Clock) {
  const client = new Client(app)
  await client.post('/login/ada')
  const { secret } = (await client.post('/2fa/setup')).json<{ secret: string }>()
  const code = codeAt(secret, clock)
  const { recoveryCodes } = (await client.post('/2fa/setup/confirm', { code })).json<{ recoveryCodes: string[] }>()
  return { client, key: Buffer.from(Secret.fromBase32(secret).bytes), code, recoveryCodes }
}

t.test('E5 W7 no table, log, error or inspected object holds a secret in any encoding', async t => {
  let log = ''
  const seen: string[] = []
  const db = await openDatabase()
  const { app, clock } = await buildHost(t, {
    storage: kyselyStorage(db),
    audit: true,
    server: { logger: { level: 'trace', stream: { write: line => { log += line } } } },
    after (app) {
      app.get('/inspect', async request => {
        await request.twoFactor.status()
        seen.push(inspect(request.twoFactor, { depth: 12, showHidden: true }))
        return {}
      })
    }
  })
  const { client, key, recoveryCodes } = await walk(app, clock)
  clock.advance(30)
  const again = codeAt(new Secret({ buffer: Uint8Array.from(key).buffer }).base32, clock)
  for (const [url, code] of [['/2fa/verify', again], ['/2fa/recover', recoveryCodes[0] ?? '']] as const) {
    for (let time = 0; time < 2; time++) seen.push((await client.post(url, { code })).body)
  }
  await client.get('/inspect')
  seen.push(inspect(app, { depth: 8, showHidden: true }), inspect(app.twoFactor, { depth: 12, showHidden: true }))
  const dump: string[] = []
  for (const table of tables) {
    const { rows } = await sql<{ row: string }>`select t::text as row from ${sql.table(`two_factor_${table}`)} t`.execute(db)
    dump.push(...rows.map(({ row }) => row))
  }
  t.ok(dump.length > 6 && log.length > 2000 && seen.length === 7)

  const masters = encryptionKeys.flatMap(text => encodings(Buffer.from(text, 'base64')))
  const words = [...encodings(key), again, ...masters, ...recoveryCodes.flatMap(code => [code, code.replaceAll('-', '')])]
  const places = { tables: dump.join('\n'), log, objects: seen.join('\n') }
  for (const [place, text] of Object.entries(places)) {
    t.same(words.filter(word => text.includes(word)).map(word => words.indexOf(word)), [], place)
  }
})

t.test('E5 once a sign-in is over, the memory holds no key of a user', async t => {
  const { app, clock } = await buildHost(t, { rateLimit: false })
  const { client, key } = await walk(app, clock)
  clock.advance(30)
  const code = codeAt(new Secret({ buffer: Uint8Array.from(key).buffer }).base32, clock)
  const password = new Client(app)
  await password.post('/login/ada')
  t.equal((await password.post('/2fa/verify', { code })).statusCode, 200)
  client.cookies = {}
  // Kept as what a search of the memory does not find.
  const masked = encodings(key).slice(0, 5).map(text => [...text].map(character => character.charCodeAt(0) ^ 0x55))
  key.fill(0)
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let round = 0; round < 5; round++) {
    await new Promise(resolve => setImmediate(resolve))
    collect()
  }
  // Of one piece: a snapshot has no text of what is put together of several.
  const control = Buffer.from(new Secret().base32).toString('latin1')
  let snapshot = ''
  for await (const chunk of getHeapSnapshot()) snapshot += String(chunk)
  t.ok(snapshot.includes(control), 'a text that is kept is found')
  t.ok(snapshot.includes('two_factor_users'), 'and it is the memory of the plugin')
  const left = masked.map(text => snapshot.includes(String.fromCharCode(...text.map(value => value ^ 0x55))))
  t.same(left, [false, false, false, false, false])
})
