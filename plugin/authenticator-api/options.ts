import type { RateLimitPluginOptions } from '@fastify/rate-limit'
import { checkOption, integerOption, isObject, refuseUnknown } from '../option-checks.js'
import type { ValidationLimit } from './validation-limit.js'

/** Options of the compatible server. Every default is the value stated here. */
export interface AuthenticatorApiServerOptions {
  /**
   * Time steps of 30 seconds accepted before and after the current one: 0 to 10. Default is 10, as the public service
   * has it: 21 codes are right at once, each for ten minutes and a half. 1 is the strict mode (RFC 6238 section 5.2).
   */
  tolerance?: number

  /**
   * Validations of one SecretCode, right and wrong ones: `max` (1 to 1000) in each `timeWindow` (milliseconds, 1000 to
   * 3_600_000), counted in this process. Default is `{ max: 10, timeWindow: 60_000 }`. `false` for none.
   *
   * It slows a guesser down and stops nobody: at the defaults a guess is right once in three days, with `tolerance: 1`
   * once in three weeks. Whoever asks this server has to lock the account after a few wrong codes.
   */
  codeLimit?: Partial<ValidationLimit> | false

  /**
   * Requests of one address: given to `@fastify/rate-limit`, so that a Redis client works. Default is
   * `{ max: 300, timeWindow: 60_000 }` over all paths. `false` for none.
   *
   * An application that asks for all its users comes from one address: put that into its `allowList`, or raise `max`.
   * Behind a proxy, Fastify's `trustProxy` has to name the proxy, or all clients are one.
   */
  rateLimit?: RateLimitPluginOptions | false

  /**
   * Where clients reach this server, with `http` or `https` and without a query: the image of a pairing is loaded from
   * there. Default is what each request says: its protocol and host, then the prefix that the plugin is registered at.
   */
  publicUrl?: string

  /** The time, in milliseconds since the epoch. For tests. Default is `Date.now`. */
  clock?: () => number
}

/** Options after {@link resolveOptions}: complete, checked and frozen. */
export interface ResolvedOptions {
  readonly tolerance: number
  readonly codeLimit: ValidationLimit | false
  readonly rateLimit: RateLimitPluginOptions | false
  /** Without a slash at its end. */
  readonly publicUrl: string | undefined
  readonly clock: () => number
}

/** What Fastify passes to every plugin beside its own options. */
export interface RegisterOptions {
  prefix?: string
  logLevel?: unknown
  logSerializers?: unknown
}

/**
 * Completes and checks the options of a registration.
 *
 * @throws {BadOptionError} if one is out of range or unknown.
 */
export function resolveOptions (options: AuthenticatorApiServerOptions & RegisterOptions): ResolvedOptions {
  const {
    tolerance, codeLimit = {}, rateLimit = {}, publicUrl, clock = Date.now,
    prefix: _, logLevel: __, logSerializers: ___, ...unknown
  } = options

  refuseUnknown(unknown)
  checkOption('codeLimit', codeLimit === false || isObject(codeLimit), 'an object, or false')
  checkOption('rateLimit', rateLimit === false || isObject(rateLimit), 'the options of @fastify/rate-limit, or false')
  checkOption('publicUrl', publicUrl === undefined || isPublicUrl(publicUrl), 'an http or https URL without query and quotes')
  checkOption('clock', typeof clock === 'function', 'a function that answers milliseconds since the epoch')

  return Object.freeze({
    tolerance: integerOption('tolerance', tolerance, 10, 0, 10),
    codeLimit: codeLimit && resolveCodeLimit(codeLimit),
    rateLimit,
    publicUrl: publicUrl?.replace(/\/+$/, ''),
    clock
  })
}

function resolveCodeLimit ({ max, timeWindow, ...unknown }: Partial<ValidationLimit>): ValidationLimit {
  refuseUnknown(unknown, 'codeLimit.')
  return Object.freeze({
    max: integerOption('codeLimit.max', max, 10, 1, 1000),
    timeWindow: integerOption('codeLimit.timeWindow', timeWindow, 60_000, 1000, 3_600_000)
  })
}

/** It goes into attributes in single quotes as it stands. */
function isPublicUrl (value: unknown): boolean {
  return typeof value === 'string' && /^https?:\/\/[^\s'"<>?#&\\]+$/.test(value) && URL.canParse(value)
}
