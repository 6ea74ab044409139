import { TOTP } from 'otpauth'
import type { Test } from 'tap'
import { HttpClient } from '../helpers/process.js'

/** Waits until a server that was started takes requests. */
export async function untilUp (origin: string): Promise<void> {
  for (;;) {
    try {
      await new HttpClient(origin).get('/')
      return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ECONNREFUSED') throw error
      await new Promise(resolve => setTimeout(resolve, 50))
    }
  }
}

/**
 * Sets two-factor up on a host as the pages have it, signs in again, is asked for a code, and passes.
 *
 * @param signIn - How this host is told who is there.
 * @returns What the second client was told when it was refused.
 */
export async function walk (
  t: Pick<Test, 'match'>, origin: string, signIn: (client: HttpClient) => Promise<unknown>
): Promise<unknown> {
  const first = new HttpClient(origin)
  await signIn(first)
  t.match(await first.get('/dashboard'), { status: 200 }, 'nobody without two-factor is asked')
  const secret = String((await first.post('/2fa/setup')).body.secret)
  t.match(await first.post('/2fa/setup/confirm', { code: new TOTP({ secret }).generate() }), { status: 200 }, 'set up')

  const second = new HttpClient(origin)
  await signIn(second)
  const { status, body } = await second.get('/dashboard')
  t.match({ status, body }, { status: 403, body: { code: 'FST_2FA_REQUIRED', verifyUrl: '/2fa/verify' } }, 'asked for a code')
  // The code of now was used by the setup.
  const timestamp = Date.now() + 30_000
  t.match(await second.post('/2fa/verify', { code: new TOTP({ secret }).generate({ timestamp }) }), { status: 200 })
  t.match(await second.get('/dashboard'), { status: 200 }, 'passed')
  return body
}
