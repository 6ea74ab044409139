import { randomUUID } from 'node:crypto'
import { Secret, TOTP } from 'otpauth'
import type { Answer, Client, Network } from './soak-client.js'

/** Somebody with two-factor authentication, or somebody who turns it on and off. */
export interface SoakUser {
  readonly id: string
  /** Of the authenticator, in Base32. None while two-factor authentication is off. */
  secret: string | undefined
  recoveryCodes: string[]
  /** What the user's browser keeps when the session is over. */
  device: Map<string, string>
}

export interface Surroundings {
  readonly cookies: Network
  readonly tokens: Network
  readonly clock: () => number
  /** The header that says whose token it is. */
  readonly userHeader: string
}

export type Flow = (user: SoakUser, surroundings: Surroundings) => Promise<void>

const period = 30_000

function codeOf ({ secret = '' }: Pick<SoakUser, 'secret'>, timestamp: number): string {
  return new TOTP({ secret: Secret.fromBase32(secret) }).generate({ timestamp })
}

/** A code of an hour ago is wrong, but for one time in some 300,000. */
const wrongCode = (user: SoakUser, clock: () => number) => codeOf(user, clock() - 3_600_000)

async function ask (
  client: Client, method: 'GET' | 'POST', path: string, expected: number, body?: object
): Promise<Answer['body']> {
  const answer = await client.send(method, path, body ?? (method === 'POST' ? {} : undefined))
  if (answer.status === expected) return answer.body
  throw new Error(`${method} ${path} answered ${answer.status} ${String(answer.body.code ?? '')}, not ${expected}`)
}

async function logIn ({ id }: SoakUser, { cookies }: Surroundings, kept?: Map<string, string>): Promise<Client> {
  const client = cookies.connect(kept)
  await ask(client, 'POST', `/login/${id}`, 200)
  return client
}

async function browse (client: Client): Promise<void> {
  for (let page = 0; page < 4; page++) await ask(client, 'GET', '/dashboard', 200)
}

const signIn: Flow = async (user, surroundings) => {
  const client = await logIn(user, surroundings)
  await ask(client, 'GET', '/dashboard', 403)
  await ask(client, 'POST', '/2fa/verify', 200, { code: codeOf(user, surroundings.clock()) })
  await browse(client)
  await ask(client, 'POST', '/logout', 200)
}

const mistype: Flow = async (user, surroundings) => {
  const client = await logIn(user, surroundings)
  await ask(client, 'POST', '/2fa/verify', 401, { code: wrongCode(user, surroundings.clock) })
  await ask(client, 'POST', '/2fa/verify', 401, { code: wrongCode(user, surroundings.clock) })
  await ask(client, 'POST', '/2fa/verify', 200, { code: codeOf(user, surroundings.clock()) })
  await ask(client, 'POST', '/logout', 200)
}

/** By the device, or, when that is trusted no longer, by a code that makes it so again. */
const comeBack: Flow = async (user, surroundings) => {
  const client = await logIn(user, surroundings, user.device)
  const { status } = await client.send('GET', '/dashboard')
  if (status === 200) await browse(client)
  else await ask(client, 'POST', '/2fa/verify', 200, { code: codeOf(user, surroundings.clock()), trustDevice: true })
  await ask(client, 'POST', '/logout', 200)
}

/** Without cookies. */
export const callApi: Flow = async (user, { tokens, clock, userHeader }) => {
  const client = tokens.connect()
  Object.assign(client.headers, { [userHeader]: user.id, authorization: `Bearer ${randomUUID()}` })
  const { proofToken } = await ask(client, 'POST', '/2fa/verify', 200, { code: codeOf(user, clock()) })
  client.headers['two-factor-proof'] = String(proofToken)
  await browse(client)
}

const recover: Flow = async (user, surroundings) => {
  const client = await logIn(user, surroundings)
  const code = user.recoveryCodes.pop()
  if (code === undefined) {
    await ask(client, 'POST', '/2fa/verify', 200, { code: codeOf(user, surroundings.clock()) })
    const { recoveryCodes } = await ask(client, 'POST', '/2fa/recovery-codes', 200)
    user.recoveryCodes = recoveryCodes as string[]
  } else {
    await ask(client, 'POST', '/2fa/recover', 200, { code })
  }
  await ask(client, 'POST', '/logout', 200)
}

const setUpOrDisable: Flow = async (user, surroundings) => {
  const client = await logIn(user, surroundings)
  if (user.secret === undefined) {
    const secret = String((await ask(client, 'POST', '/2fa/setup', 200)).secret)
    await ask(client, 'POST', '/2fa/setup/confirm', 200, { code: codeOf({ secret }, surroundings.clock()) })
    user.secret = secret
    await browse(client)
  } else {
    await ask(client, 'POST', '/2fa/verify', 200, { code: codeOf(user, surroundings.clock()) })
    await ask(client, 'POST', '/2fa/disable', 200, { code: codeOf(user, surroundings.clock() + period) })
    user.secret = undefined
  }
  await ask(client, 'POST', '/logout', 200)
}

export interface FlowShare {
  readonly name: string
  /** In percent of what happens. */
  readonly share: number
  readonly flow: Flow
  /** The users that come and go have it to themselves. */
  readonly ofVisitors?: true
}

/** What people do, and how often. */
export const flows: readonly FlowShare[] = [
  { name: 'sign in', share: 25, flow: signIn },
  { name: 'type wrong codes, then sign in', share: 12, flow: mistype },
  { name: 'come back with a trusted device', share: 15, flow: comeBack },
  { name: 'use a bearer API', share: 40, flow: callApi },
  { name: 'use a recovery code, or make new ones', share: 4, flow: recover },
  { name: 'set up, or disable', share: 4, flow: setUpOrDisable, ofVisitors: true }
]
