import type { TwoFactorEventType } from 'fastify-authenticator-2fa'
import { adminAccount, demoAccount } from '../accounts.js'
import { html, type Html } from '../html.js'

/** What the demo itself sees a visitor do. The rest is told by the events of the package. */
export type Deed = 'signed-in' | 'phone-opened' | 'codes-left' | 'signed-out' | 'money-sent' | 'user-reset'

/** What is known of a visitor and the account that is signed in. */
export interface Situation {
  readonly signedIn: boolean
  readonly staff: boolean
  /** Whether the account has two-factor authentication. */
  readonly enabled: boolean
  /** Events of the account since the visitor came, and deeds. */
  readonly seen: ReadonlySet<TwoFactorEventType | Deed>
  /** Whether there are accounts to try things with: not in production. */
  readonly sampleAccounts: boolean
}

export interface Step {
  readonly id: string
  readonly title: string
  readonly done: (known: Pick<Situation, 'seen' | 'enabled'>) => boolean
  /** What to do, from where the visitor is. */
  readonly text: (situation: Situation) => Html
  /** Where to do it, and what that place is called. */
  readonly place: (situation: Situation) => readonly [path: string, name: string] | undefined
}

const signIn = ['/sign-in', 'Open the sign-in page'] as const

/** From the first password to a lost phone, in the order to take them. */
export const steps: readonly Step[] = [
  {
    id: 'password',
    title: 'A password',
    done: ({ seen }) => seen.has('signed-in'),
    text: ({ sampleAccounts }) => sampleAccounts
      ? html`Sign in: the form names an account to try. This part you have already in your own app.`
      : html`Create an account. This part you have already in your own app.`,
    place: ({ sampleAccounts }) => sampleAccounts ? signIn : ['/sign-up', 'Open an account']
  },
  {
    id: 'setup',
    title: 'Start the setup',
    done: ({ seen, enabled }) => enabled || seen.has('setup-started'),
    text: () => html`You are in with the password alone. Start setting up a second factor.`,
    place: ({ signedIn }) => signedIn ? ['/2fa/setup', 'Start the setup'] : signIn
  },
  {
    id: 'phone',
    title: 'A phone',
    done: ({ seen, enabled }) => enabled || seen.has('phone-opened'),
    text: () => html`Scan the QR code with an authenticator app. No phone at hand? Below the QR code is a link to one in your browser.`,
    place: ({ signedIn }) => signedIn ? ['/2fa/setup', 'Show the QR'] : signIn
  },
  {
    id: 'confirm',
    title: 'The first six digits',
    done: ({ seen, enabled }) => enabled || seen.has('setup-confirmed'),
    text: () => html`Type the six digits that the phone shows. Nothing is in the database until they are right.`,
    place: ({ signedIn }) => signedIn ? ['/2fa/setup', 'Show the QR'] : signIn
  },
  {
    id: 'recovery',
    title: 'Recovery codes',
    done: ({ seen }) => seen.has('codes-left'),
    text: () => html`Keep one of the recovery codes for later, and go on from that page. They are shown only once.`,
    place: ({ signedIn }) => signedIn ? ['/dashboard', 'Go on'] : signIn
  },
  {
    id: 'sign-out',
    title: 'Sign out',
    done: ({ seen }) => seen.has('signed-out'),
    text: () => html`Sign out, at the top of the page. The pass of this browser ends with that.`,
    place: () => undefined
  },
  {
    id: 'code',
    title: 'Sign in with a code',
    done: ({ seen }) => seen.has('verified'),
    text: () => html`Sign in again. Now the dashboard asks for a code: tick the box that trusts this device as well.`,
    place: ({ signedIn }) => signedIn ? ['/dashboard', 'Open the dashboard'] : signIn
  },
  {
    id: 'device',
    title: 'A trusted device',
    done: ({ seen }) => seen.has('device-used'),
    text: ({ seen }) => seen.has('device-trusted')
      ? html`Sign out and in once more: this device is not asked again.`
      : html`Sign out and in once more, and tick the box that trusts this device. The next time after that you are not asked.`,
    place: ({ signedIn }) => signedIn ? undefined : signIn
  },
  {
    id: 'transfer',
    title: 'Step-up for a transfer',
    done: ({ seen }) => seen.has('money-sent'),
    text: () => html`Send money. A trusted device is not enough for that, nor is a code of more than five minutes ago.`,
    place: ({ signedIn }) => signedIn ? ['/transfer', 'Send money'] : signIn
  },
  {
    id: 'lost',
    title: 'Lose the phone',
    done: ({ seen }) => seen.has('recovered'),
    text: () => html`Pretend that the phone is gone, and get in with a recovery code.`,
    place: ({ signedIn }) => signedIn ? ['/2fa/recover?next=/dashboard', 'My phone is gone'] : signIn
  },
  {
    id: 'support',
    title: 'Ask support',
    done: ({ seen }) => seen.has('reset') || seen.has('user-reset'),
    text: ({ staff }) => staff
      ? html`You are support now, and support has to have a second factor. Then reset the account of <code>${demoAccount.email}</code>.`
      : html`No phone and no recovery codes? Sign in as <code>${adminAccount.email}</code>, with the same password, and reset the account.`,
    place: ({ signedIn, staff }) => staff ? ['/admin', 'Open the back office'] : signedIn ? undefined : signIn
  }
]

/** The steps that there are here: where there are no accounts to try things with, nobody is support. */
export function stepsFor ({ sampleAccounts }: Pick<Situation, 'sampleAccounts'>): readonly Step[] {
  return sampleAccounts ? steps : steps.filter(({ id }) => id !== 'support')
}
