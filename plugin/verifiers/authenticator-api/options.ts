import { checkOption, integerOption, refuseUnknown } from '../../option-checks.js'

/** Options of {@link authenticatorApi}. */
export interface AuthenticatorApiOptions {
  /** Where the service is, such as `https://www.authenticatorapi.com`. Required. */
  readonly url: string

  /** Whether `url` may be plain HTTP, where everybody on the way reads every secret. Default is `false`. */
  readonly allowHttp?: boolean

  /** Certificate authorities to trust in place of the well-known ones, as PEM: for a server of one's own. */
  readonly ca?: string | string[]

  /** How long one call may take in all, in milliseconds: 100 to 60_000. Default is 10_000. */
  readonly timeout?: number

  /** Connections that are kept open at most: 1 to 256. Default is 32. */
  readonly connections?: number

  /**
   * After this many failures in a row (1 to 100), calls fail at once for `pause` milliseconds (10 to 600_000). Then one
   * call tries whether the service is back. Default is `{ failures: 5, pause: 10_000 }`.
   */
  readonly breaker?: { readonly failures?: number, readonly pause?: number }

  /**
   * Time steps that the service accepts on each side of the current one: 0 to 20. A code counts as used for as long as
   * it is right there. Default is 10, as AuthenticatorAPI.com has it.
   */
  readonly tolerance?: number

  /**
   * `'local'`: without an answer of the service, codes are checked in this process, with the plugin's `window`. Default
   * is `'none'`: then nobody is let in.
   */
  readonly fallback?: 'none' | 'local'
}

type Defaulted = 'timeout' | 'connections' | 'tolerance' | 'fallback'

/** Options after {@link resolveApiOptions}: complete and checked. */
export interface ResolvedApiOptions extends Required<Pick<AuthenticatorApiOptions, Defaulted>> {
  readonly origin: string
  /** Path that the service's own paths come after, without a slash at its end. */
  readonly path: string
  readonly ca: string | string[] | undefined
  readonly breaker: { readonly failures: number, readonly pause: number }
}

/** @throws {BadOptionError} */
export function resolveApiOptions (options: AuthenticatorApiOptions): ResolvedApiOptions {
  const {
    url, allowHttp = false, ca, timeout, connections, breaker = {}, tolerance, fallback = 'none', ...unknown
  } = options
  refuseUnknown(unknown)
  const base = URL.canParse(url) ? new URL(url) : undefined
  const bare = base && !base.search && !base.hash && !base.username && !base.password
  checkOption('url', bare === true && /^https?:$/.test(base.protocol), 'an address such as "https://www.authenticatorapi.com"')
  checkOption('url', base.protocol === 'https:' || allowHttp, 'https: (allowHttp takes http:, which shows every secret)')
  checkOption('fallback', fallback === 'none' || fallback === 'local', '"none" or "local"')
  const { failures, pause, ...others } = breaker
  refuseUnknown(others, 'breaker.')
  return {
    origin: base.origin,
    path: base.pathname.replace(/\/+$/, ''),
    ca,
    timeout: integerOption('timeout', timeout, 10_000, 100, 60_000),
    connections: integerOption('connections', connections, 32, 1, 256),
    breaker: {
      failures: integerOption('breaker.failures', failures, 5, 1, 100),
      pause: integerOption('breaker.pause', pause, 10_000, 10, 600_000)
    },
    tolerance: integerOption('tolerance', tolerance, 10, 0, 20),
    fallback
  }
}
