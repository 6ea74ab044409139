import { sql } from 'kysely'
import { decodeBase32, encodeBase32 } from '../../plugin/otp/base32.js'
import { createKeyRing } from '../../plugin/secrets/key-ring.js'
import { pickServer, send } from './operations.js'
import { ask, codeOf, doors, signIn, statusOf, type Person, type World } from './world.js'

/** Everybody of these can sign in, by the app or by a recovery code, and is in then. */
export async function canSignIn (world: World, people: Iterable<Person>): Promise<void> {
  for (const person of people) {
    const server = pickServer(world)
    const client = await signIn(world, server, person)
    // By the app, or by a recovery code for who has to wait for the app.
    const [path, code] = person.isAhead
      ? ['/recover', person.recoveryCodes.pop() ?? '']
      : ['/verify', codeOf(world, person)]
    const door = world.random.pick(doors)
    const status = statusOf(await ask(world, server, client, ['post', door + path, { code }], [200]))
    world.check(status === 200, 'who was told that it is on can sign in', `${person.id}: ${status}`)
    const inside = statusOf(await ask(world, server, client, ['get', `${door}-dashboard`], [200]))
    world.check(inside === 200, 'who has passed is in', `${person.id}: ${inside}`)
    world.check(await send(world, person, path, code) === 401, 'no code is good twice', person.id)
    const outside = await signIn(world, server, person)
    const refused = statusOf(await ask(world, server, outside, ['get', `${door}-dashboard`], [403]))
    world.check(refused === 403, 'who has not passed is not in', `${person.id}: ${refused}`)
  }
}

/** No row stands without its user, nobody is half on, and everything sealed opens. */
export async function tablesAreWhole (world: World): Promise<void> {
  const { db, keys } = world
  for (const table of ['authenticators', 'passes', 'used_codes', 'trusted_devices'] as const) {
    const { rows } = await sql`
      select user_id from ${sql.table(`two_factor_${table}`)} r where not exists (
        select 1 from two_factor_users u where u.user_id = r.user_id and u.enabled_at is not null)`.execute(db)
    world.check(rows.length === 0, 'no row is without its user', `${table}: ${JSON.stringify(rows)}`)
  }
  const { rows: half } = await sql`
    select user_id from two_factor_users u where enabled_at is not null and (
      recovery_salt is null
      or (select count(*) from two_factor_authenticators a where a.user_id = u.user_id) <> 1
      or coalesce(octet_length(recovery_hashes), 0) not in (0, 16, 32, 48, 64, 80))`.execute(db)
  world.check(half.length === 0, 'nobody is half on', JSON.stringify(half))

  const { open } = createKeyRing(keys)
  const rows = await db.selectFrom('two_factor_authenticators as a')
    .innerJoin('two_factor_users as u', 'u.user_id', 'a.user_id')
    .select(['a.user_id', 'a.id', 'a.secret', 'u.recovery_salt'])
    .execute()
  for (const { user_id: user, id, secret, recovery_salt: salt } of rows) {
    const opens = opened(() => encodeBase32(open('authenticator-secret', [user, id], secret)) === world.people.get(user)?.secret &&
      salt !== null && open('recovery-salt', [user], salt).length === 32)
    world.check(opens, 'every secret opens and is its user\'s', user)
  }
}

function opened (task: () => boolean): boolean {
  try {
    return task()
  } catch {
    return false
  }
}

/** No table holds what is secret, in any spelling. */
export async function tablesTellNothing (world: World): Promise<void> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = 'public'`.execute(world.db)
  for (const { name } of tables) {
    const { rows } = await sql<{ text: string }>`select t::text as text from ${sql.table(name)} t`.execute(world.db)
    tellsNothing(world, rows.map(({ text }) => text).join('\n'), `table ${name}`)
  }
}

/** Nor do the logs since the last look, which do not hold codes either. */
export function logsTellNothing (world: World, logs: string): void {
  tellsNothing(world, logs, 'log')
  for (const code of world.codes) {
    // Digits of a longer number are no code.
    world.check(!new RegExp(`(?<![\\d.])${code}(?!\\d)`).test(logs), 'no code is in a log', code)
  }
  world.codes.clear()
}

function tellsNothing (world: World, text: string, where: string): void {
  const found = [...spellings(world)].filter(needle => text.includes(needle))
  world.check(found.length === 0, 'no secret is in a table or a log', `${where}: ${found.join()}`)
}

function * spellings ({ secrets, recoveryCodes }: World): Generator<string> {
  for (const secret of secrets) {
    if (secret === '') continue
    const bytes = Buffer.from(decodeBase32(secret) ?? [])
    // What a remote checker calls the secret is its bytes as they are.
    if (/^[A-Z2-7]{32}$/.test(bytes.toString('latin1'))) yield bytes.toString('latin1')
    yield * [secret, bytes.toString('hex'), bytes.toString('base64'), bytes.toString('base64url'), Buffer.from(secret).toString('hex')]
  }
  for (const code of recoveryCodes) {
    const bare = code.replaceAll('-', '')
    yield * [code, bare, Buffer.from(bare).toString('hex')]
  }
}
