import { TOTP, type Secret } from 'otpauth'
import { HttpClient, startServer, type ServerProcess } from '../helpers/process.js'
import { sendEach } from './send-each.js'

export interface Contestant extends ServerProcess {
  readonly size: number
  /** Users who sign in, some in each round. */
  readonly users: ReadonlyArray<readonly [userId: string, secret: Secret]>
}

/** How many sign in, in one round. */
export const usersOfARound = 1000
/** A day and more apart, so that what a round leaves behind runs out before the next one: passes last 24 hours. */
export const roundsApart = 25 * 3_600_000

export type Kind = 'right' | 'wrong'

/** Verifies per second over HTTP, by 1000 users whose turn it is, once each and 20 at a time. */
export async function runRound (contestant: Contestant, round: number, now: number, kind: Kind): Promise<number> {
  await contestant.setClock(now)
  const requests = await signInAll(contestant, round, kind === 'right' ? now : now - 3_600_000)
  let next = 0
  const sent = await sendEach(contestant.origin, requests.length, {
    method: 'POST',
    path: '/2fa/verify',
    setupRequest (request) {
      const { cookie, body } = requests[next++ % requests.length] as Verify
      return { ...request, headers: { cookie, 'content-type': 'application/json' }, body }
    }
  })
  const answered = sent.answered(kind === 'right' ? 200 : 401)
  // A wrong code can be right by chance, once in some 300,000.
  if (answered < requests.length - 1) throw new Error(`${answered} of ${requests.length} ${kind} codes were answered so`)
  return sent.perSecond
}

interface Verify {
  readonly cookie: string
  readonly body: string
}

/** Sessions with the password alone, and the code that each is to send. */
async function signInAll ({ origin, users }: Contestant, round: number, timestamp: number): Promise<Verify[]> {
  const groups = Math.max(1, Math.floor(users.length / usersOfARound))
  // Every so manieth, so that each round goes over the whole table.
  const turn = users.filter((_, index) => index % groups === Math.abs(round) % groups)
  return Promise.all(turn.map(async ([userId, secret]) => {
    const client = new HttpClient(origin)
    await client.post(`/login/${userId}`)
    return { cookie: client.cookie, body: JSON.stringify({ code: new TOTP({ secret }).generate({ timestamp }) }) }
  }))
}

/** A process of the package on this database, until `t` ends. */
export function startContestant (
  t: Parameters<typeof startServer>[0], { url, key, now }: { url: string, key: string, now: number }
): Promise<ServerProcess> {
  return startServer(t, { DATABASE_URL: url, ENCRYPTION_KEY: key, NOW: String(now), RATE_LIMIT: 'off' })
}
