import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { codeAt, wrongCode } from '../helpers/host.js'
import { freePort } from '../helpers/postgres.js'
import { HttpClient } from '../helpers/process.js'

const { scripts } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { scripts: Record<string, string> }
const account = { email: 'ada@example.com', password: 'correct horse battery staple' }

/** Starts what `npm run` would, with another loader of types, and waits until it says where it is. */
async function start (t: Test, script: string): Promise<string> {
  const file = scripts[script]?.split(' ').at(-1) ?? ''
  const child = spawn(process.execPath, [
    '--liftoff-only', '--import=./test/strip-types/register.js', '--conditions=@fastify-authenticator-2fa/source', file
  ], { env: { PATH: process.env.PATH, PORT: String(await freePort()) } })
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => {
        said += chunk
        // On all addresses of the machine, of which this is one.
        const [, port] = /Listening at http:\/\/\S+:(\d+)/.exec(said) ?? []
        if (port) resolve(`http://localhost:${port}`)
      })
    }
    child.once('exit', code => reject(new Error(`${script} ended with ${code}: ${said}`)))
  })
}

/** The codes of now and of the step after, both of which are taken: each works once. */
const codeOf = (secret: string, steps = 0) => codeAt(secret, Date.now, steps)

t.test('the session app: sign in, set up, sign in again, a wrong code, a right one, a protected route', async t => {
  const origin = await start(t, 'example:session')
  const client = new HttpClient(origin)
  t.match(await client.get('/dashboard'), { status: 401 }, 'nobody is signed in')
  t.match(await client.post('/login', { ...account, password: 'wrong' }), { status: 401 })
  t.match(await client.post('/login', account), { status: 303, headers: { location: '/dashboard' } })
  t.match(await client.get('/dashboard'), { status: 200, body: { dashboard: true, passed: false } })

  const secret = String((await client.post('/2fa/setup')).body.secret)
  t.match(await client.post('/2fa/setup/confirm', { code: wrongCode(secret, Date.now) }), { status: 401 })
  t.match(await client.post('/2fa/setup/confirm', { code: codeOf(secret) }), { status: 200, body: { enabled: true } })
  t.match(await client.get('/dashboard'), { status: 200, body: { passed: true } })

  const second = new HttpClient(origin)
  await second.post('/login', account)
  t.match(await second.get('/dashboard'), { status: 403, body: { code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' } })
  t.match(await second.post('/2fa/verify', { code: wrongCode(secret, Date.now) }), { status: 401 })
  t.match(await second.get('/dashboard'), { status: 403 })
  t.match(await second.post('/2fa/verify', { code: codeOf(secret, 1) }), { status: 200, body: { verified: true } })
  t.match(await second.get('/dashboard'), { status: 200, body: { passed: true } })
  t.match(await second.post('/transfer'), { status: 200, body: { sent: true } })

  t.match(await second.post('/logout'), { status: 303 })
  t.match(await second.get('/dashboard'), { status: 401 }, 'signed out')
  const page = await fetch(`${origin}/dashboard`, { headers: { accept: 'text/html' }, redirect: 'manual' })
  t.equal(page.headers.get('location'), '/login?next=%2Fdashboard', 'a browser is led to the login')
})

t.test('the bearer API: a token, set up, another token, a wrong code, a right one, a protected route', async t => {
  const origin = await start(t, 'example:bearer')
  const call = async (path: string, headers: Record<string, string>, body?: object) => {
    const response = await fetch(`${origin}${path}`, {
      method: body ? 'POST' : 'GET',
      headers: { ...headers, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) })
    })
    return { status: response.status, body: await response.json() as Record<string, string> }
  }
  const signIn = async () => ({ authorization: `Bearer ${(await call('/token', {}, account)).body.token}` })

  t.match(await call('/token', {}, { ...account, password: 'wrong' }), { status: 401 })
  t.match(await call('/me', {}), { status: 401, body: { code: 'FST_2FA_UNAUTHENTICATED' } })
  const first = await signIn()
  t.match(await call('/me', first), { status: 200, body: { passed: false } })
  const { body: { secret = '', setupToken } } = await call('/2fa/setup', first, {})
  const { status, body } = await call('/2fa/setup/confirm', first, { code: codeOf(secret), setupToken })
  t.equal(status, 200)
  t.match(await call('/me', { ...first, 'two-factor-proof': body.proofToken ?? '' }), { status: 200, body: { passed: true } })

  const second = await signIn()
  t.match(await call('/me', second), { status: 403, body: { code: 'FST_2FA_REQUIRED' } })
  t.match(await call('/2fa/verify', second, { code: wrongCode(secret, Date.now) }), { status: 401 })
  const { body: { proofToken = '' } } = await call('/2fa/verify', second, { code: codeOf(secret, 1) })
  t.match(await call('/me', { ...second, 'two-factor-proof': proofToken }), { status: 200, body: { passed: true } })
  t.match(await call('/transfer', { ...second, 'two-factor-proof': proofToken }, {}), { status: 200, body: { sent: true } })
  t.match(await call('/me', { ...first, 'two-factor-proof': proofToken }), { status: 403 }, 'the proof is worth nothing beside another token')
})
