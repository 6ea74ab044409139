import { codeAt } from '../helpers/host.js'
import { HttpClient } from '../helpers/process.js'
import type { Cluster, Store } from './cluster.js'

/** People at the hosts that have their sessions in one place. */
export interface People {
  /** Clients past the password, each with an address of its own. */
  readonly clients: (user: string, count: number) => Promise<HttpClient[]>
  /** One of them. */
  readonly client: (user: string) => Promise<HttpClient>
  /** A user who turned two-factor on, a step ago. */
  readonly enrol: (user: string) => Promise<{ client: HttpClient, secret: string, recoveryCodes: string[] }>
}

let addresses = 0

/** An address that no other client has. */
function nextAddress (): string {
  const number = ++addresses
  return `127.${1 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`
}

export function createPeople ({ origins, clock, advance }: Cluster, store: Store): People {
  const people: People = {
    async clients (user, count) {
      const made = Array.from({ length: count }, () => new HttpClient(origins[store], nextAddress()))
      const answers = await Promise.all(made.map(client => client.post(`/login/${user}`)))
      const refused = answers.find(({ status }) => status !== 200)
      if (refused) throw new Error(`${refused.status} ${JSON.stringify(refused.body)}`)
      return made
    },
    async client (user) {
      const [client] = await people.clients(user, 1)
      if (!client) throw new Error('One was asked for')
      return client
    },
    async enrol (user) {
      const client = await people.client(user)
      const secret = String((await client.post('/2fa/setup')).body.secret)
      const { status, body } = await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
      if (status !== 200) throw new Error(JSON.stringify(body))
      await advance(30)
      return { client, secret, recoveryCodes: body.recoveryCodes as string[] }
    }
  }
  return people
}
