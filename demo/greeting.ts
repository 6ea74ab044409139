import { adminAccount, demoAccount } from './accounts.js'
import type { Checker } from './checker.js'
import type { DemoConfig } from './config.js'
import { terminalLink, type Terminal } from './terminal-link.js'

/** What there is to know before one starts: `undefined` if nothing. */
export function warning ({ madeUp, databaseUrl, folder }: DemoConfig): string | undefined {
  if (madeUp.length === 0) return undefined
  return `For a demo only: ${databaseUrl === undefined ? 'an embedded database and ' : ''}made-up keys in ${folder}.
In production set ${madeUp.join(', ')} (and PORT, if it is not 3000).
`
}

/** Where the demo is, and what to try there. */
export function greeting (
  { secure, verifier }: DemoConfig, address: string, { where }: Pick<Checker, 'where'>, terminal: Terminal
): string {
  const link = (path = '') => terminalLink(`${address}${path}`, terminal)
  return `${secure
    ? 'Its cookies need HTTPS: put a proxy in front that sets X-Forwarded-Proto, and name its address in TRUST_PROXY.\n\n'
    : ''}The demo is at ${link()}

  ${secure ? `Create an account at ${link('/sign-up')}` : `Sign in as ${demoAccount.email} with the password: ${demoAccount.password}`}
  1. Set up two-factor at ${link('/2fa/setup')} (no phone? ${link('/phone')})
  2. Sign out and in again: ${link('/dashboard')} asks for a code
  3. Try ${link('/transfer')}${secure ? '' : `, and as ${adminAccount.email} ${link('/admin')}`}
  4. Add it to your own app: ${link('/how-to')}

Codes of new authenticators are checked ${where()}.
${verifier === 'local' ? 'To have a server check them: npm start -- --verifier=api' : 'To check them here: npm start'}

Stop it with Ctrl+C.`
}
