import type { TwoFactorEvent } from '../events.js'
import type { MethodInfo } from '../methods.js'
import type { TwoFactorStatus } from '../request.js'
import type { TrustedDevice } from '../request/devices.js'
import type { UserRequirement } from '../requirement.js'
import type { AuthenticatorInfo } from '../service/authenticators.js'
import type { PendingSetup } from '../service/setup.js'
import type { Messages } from './messages.js'

/** Where a page leads on to. */
export interface Way {
  /** A path of this site. */
  readonly next?: string | undefined
  /** Whether the client sent something that was refused, and has to send it again. */
  readonly resend?: boolean | undefined
}

/** A page with a form. */
export interface FormState extends Way {
  /** What was wrong with the form that was sent, in the language of the page. */
  readonly problem?: string | undefined
}

/** What each page shows, by its name. */
export interface PageData {
  /** The QR code, and the field for the first code. */
  setup: FormState & {
    readonly pending: PendingSetup
    readonly digits: number
    /** The user's, as `getUser` has it. */
    readonly label: string
    /** What the user has to do. Absent for one who has done it. */
    readonly requirement?: UserRequirement | undefined
  }
  /** A further authenticator was added. */
  'authenticator-added': Way
  /** The one time that recovery codes are shown. */
  'recovery-codes': Way & {
    readonly codes: readonly string[]
    /** Whether they replace others, rather than come with the first setup. */
    readonly renewed: boolean
  }
  /** Shown after a sign-in to a user who is about to be without recovery codes. */
  'few-recovery-codes': Way & { readonly left: number }
  /** The field for a code. */
  verify: FormState & {
    readonly digits: number
    /** Whether every code of this user has that many digits: then the form can be sent when they are in. */
    readonly complete: boolean
    /** Whether too many wrong codes disabled the user's authenticators, so that recovery codes alone are taken. */
    readonly disabled: boolean
    /** Offers to trust the device. `ttl` is in milliseconds. */
    readonly trust?: { readonly ttl: number, readonly checked: boolean } | undefined
    /** Other ways to pass that the user has. */
    readonly methods: readonly MethodInfo[]
  }
  /** The field for a recovery code. */
  recover: FormState
  /** A recovery code was used up. `left` is `null` if just that could not be read. */
  recovered: Way & { readonly left: number | null }
  /** The field for what a method of the host sent or shows. */
  method: FormState & { readonly method: MethodInfo }
  /** A user's own two-factor authentication. */
  settings: FormState & {
    readonly status: TwoFactorStatus
    /** Absent without the option `trustedDevices`. */
    readonly devices?: readonly TrustedDevice[] | undefined
    /** Absent without the option `audit`. */
    readonly activity?: readonly TwoFactorEvent[] | undefined
    readonly digits: number
    /** Id of the field that the problem is about. */
    readonly field?: string | undefined
  }
  /** Asks before an authenticator is removed. */
  'remove-authenticator': { readonly authenticator: AuthenticatorInfo, readonly last: boolean }
  /** No code is taken for now: of the account after wrong codes, or of the address after too many requests. */
  locked: {
    readonly reason: 'account' | 'address'
    /** Time to wait, in whole seconds. */
    readonly retryAfter: number
    /** Where to try again: a path of this site. */
    readonly retry: string
  }
  /** Something that the plugin needs is out of reach. */
  unavailable: { readonly problem: string, readonly retry: string }
  /** A refusal that no form can show. */
  error: { readonly problem: string, readonly status: number }
}

export type PageName = keyof PageData

/** A page to draw. Its name tells which data it has. */
export type Page = { [Name in PageName]: { readonly name: Name } & PageData[Name] }[PageName]

/** What every page knows: whose it is, and where the others are. */
export interface Site {
  /** The host's, as the option `pages.name` has it, or the issuer. */
  readonly name: string
  /** Path of the plugin's routes, without a slash at the end. */
  readonly base: string
  readonly defaultRedirect: string
}

/** What a page is drawn with. */
export interface PageFrame {
  /** Text, as for the title of the document. */
  readonly title: string
  /** The page as it is, to stand in a page of the host: safe markup in a `<div class="two-factor">`. */
  readonly content: string
  /** CSS of the content. The policy of the reply allows it in a `<style>` as it is, without a space around it. */
  readonly style: string
  /** Path of the script of the pages, a module. They work without it. */
  readonly scriptUrl: string
  /** Tag of the language (BCP 47), as for `<html lang>`. */
  readonly language: string
  readonly direction: Messages['direction']
  readonly messages: Messages
  readonly site: Site
}

/** A page, as the option `pages.render` gets it. */
export type TwoFactorPage = Page & PageFrame
