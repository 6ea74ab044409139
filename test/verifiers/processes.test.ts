import t from 'tap'
import { startChecker } from '../helpers/checker.js'
import { startService } from '../helpers/hostile-service.js'
import { codeAt, createClock } from '../helpers/host.js'
import { startPair } from '../helpers/pair.js'
import { HttpClient } from '../helpers/process.js'

const clock = createClock()
const checker = await startChecker(t, { clock })
// As the checker, but that it says True to everything while it is told to.
let gullible = false
const service = await startService(t, async (response, { url = '' }) => {
  response.end(gullible ? 'True' : await (await fetch(checker.url + url)).text())
})
const { origins, advance } = await startPair(t, { environment: { AUTHENTICATOR_API: service.url }, clock })

/** A client past the password, on the first or the second process. */
async function signIn (user: string, process: number): Promise<HttpClient> {
  const client = new HttpClient(origins[process % 2] ?? '')
  await client.post(`/login/${user}`)
  return client
}

async function enrol (user: string): Promise<string> {
  const client = await signIn(user, 0)
  const secret = String((await client.post('/2fa/setup')).body.secret)
  const { status } = await client.post('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  if (status !== 200) throw new Error(`Not enrolled: ${status}`)
  await advance(30)
  return secret
}

async function verify (user: string, process: number, code: string): Promise<number> {
  return (await (await signIn(user, process)).post('/2fa/verify', { code })).status
}

t.test('A1 a code that was used on one process is refused on the other, for as long as the service takes it', async t => {
  const code = codeAt(await enrol('a1'), clock)
  t.equal(await verify('a1', 0, code), 200)
  t.equal(await verify('a1', 1, code), 401)
  await advance(240)
  t.equal(await verify('a1', 1, code), 401, 'at +4 minutes, when the service still calls it right')
  t.equal(await verify('a1', 0, code), 401)
  t.ok(service.asked.length > 4)
})

for (const [name, trusting] of [['that is right', false], ['that a gullible service calls right', true]] as const) {
  t.test(`C1 of 40 parallel submissions of one code ${name}, exactly one succeeds`, async t => {
    const user = trusting ? 'gullible' : 'right'
    const secret = await enrol(user)
    gullible = trusting
    t.teardown(() => { gullible = false })
    const code = trusting ? '424242' : codeAt(secret, clock)
    const clients = await Promise.all(Array.from({ length: 40 }, (_, index) => signIn(user, index)))
    const answers = await Promise.all(clients.map(client => client.post('/2fa/verify', { code })))
    t.equal(answers.filter(({ status }) => status === 200).length, 1)
    t.ok(answers.every(({ status }) => [200, 401, 429].includes(status)))
  })
}
