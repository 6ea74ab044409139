import type { LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { kyselyStorage, type PageName, type PageOptions } from '../../plugin/index.js'
import { openDatabase } from '../helpers/database.js'
import { buildHost, Client, codeAt, enrol, intercept, signIn, wrongCode } from '../helpers/host.js'

/** The pages that there are, and what some of them look like otherwise. */
export type Shown = PageName | `${PageName}: ${string}`

/**
 * Every page as a browser gets it that prefers this language, out of the flows that lead to it.
 *
 * @param pages - Of the host.
 */
export async function everyPage (
  t: Test, language: string, pages: PageOptions = {}
): Promise<Map<Shown, LightMyRequestResponse>> {
  let down = false
  const host = await buildHost(t, {
    storage: intercept(kyselyStorage(await openDatabase()), () => { if (down) throw new Error('down') }),
    trustedDevices: true,
    audit: true,
    methods: { mail: { label: 'Send me a code by mail', start () {}, check: () => false } },
    policy: (_request, { id }) => id === 'late' ? { requiredFrom: new Date('2026-01-15T00:00:00Z') } : 'optional',
    pages
  })
  const { clock } = host
  const shown = new Map<Shown, LightMyRequestResponse>()
  const speak = (client: Client) => Object.assign(client, { headers: { ...client.headers, 'accept-language': language } })
  const keep = (name: Shown, reply: LightMyRequestResponse) => { shown.set(name, reply) }
  const secretOf = ({ body }: LightMyRequestResponse) => (/id="key"[^>]*>([^<]*)</.exec(body)?.[1] ?? '').replaceAll(' ', '')

  const late = speak(await signIn(host, 'late'))
  keep('settings: off', await late.page('/2fa/'))
  keep('setup: to do', await late.page('/2fa/setup'))

  const client = speak(await signIn(host))
  const setup = await client.page('/2fa/setup?next=/dashboard')
  const secret = secretOf(setup)
  keep('setup', setup)
  keep('setup: wrong', await client.form('/2fa/setup/confirm', { code: wrongCode(secret, clock) }))
  const confirmed = await client.form('/2fa/setup/confirm', { code: codeAt(secret, clock), name: 'Pixel', next: '/dashboard' })
  keep('recovery-codes', confirmed)
  const codes = [...confirmed.body.matchAll(/<li><code>([^<]*)</g)].map(([, code = '']) => code)

  const further = await client.page('/2fa/setup')
  keep('authenticator-added', await client.form('/2fa/setup/confirm', { code: codeAt(secretOf(further), clock), name: 'Tablet' }))

  const other = speak(await signIn(host))
  other.headers['user-agent'] = 'Mozilla/5.0 (Windows NT 10.0) Firefox/140.0'
  keep('settings: closed', await other.page('/2fa/'))
  keep('verify', await other.page('/2fa/verify?next=/dashboard&resend=1'))
  keep('verify: wrong', await other.form('/2fa/verify', { code: wrongCode(secret, clock) }))
  await other.form('/2fa/methods/mail/start')
  keep('method', await other.page('/2fa/methods/mail'))
  keep('recover', await other.page('/2fa/recover'))
  clock.advance(30)
  await other.form('/2fa/verify', { code: codeAt(secret, clock), trustDevice: 'on' })
  const settings = await other.page('/2fa/')
  keep('settings', settings)
  keep('settings: wrong', await other.form('/2fa/disable', { code: wrongCode(secret, clock) }))
  const removal = /href="([^"]*\/remove)"/.exec(settings.body)?.[1] ?? ''
  keep('remove-authenticator', await other.page(removal))

  const lost = speak(await signIn(host))
  keep('recovered', await lost.form('/2fa/recover', { code: codes[0] ?? '' }))
  for (const code of codes.slice(1, 4)) await (await signIn(host)).post('/2fa/recover', { code })
  clock.advance(30)
  keep('few-recovery-codes', await speak(await signIn(host)).form('/2fa/verify', { code: codeAt(secret, clock) }))
  keep('error', await speak(new Client(host.app)).page('/2fa/'))

  await enrol(host, 'eve')
  const eve = speak(await signIn(host, 'eve'))
  for (let count = 0; count < 5; count++) await eve.post('/2fa/recover', { code: 'AAAA-AAAA-AAAA-AAAA' })
  keep('locked', await eve.page('/2fa/verify'))
  down = true
  keep('unavailable', await client.page('/2fa/'))
  down = false
  return shown
}
