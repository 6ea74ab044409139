import type { RateLimitPluginOptions } from '@fastify/rate-limit'
import type { FastifyRequest } from 'fastify'
import { resolveTrustedDevices, type TrustedDevicesOptions } from './device-options.js'
import type { TwoFactorEvent } from './events.js'
import { checkOption, integerOption, isObject, refuseUnknown } from './option-checks.js'
import { resolvePages, type PageOptions, type ResolvedPages } from './page-options.js'
import type { ProofMethod, ProofMethods } from './methods.js'
import type { Proof } from './proof/proof.js'
import { sessionProof } from './proof/session.js'
import type { TwoFactorRequirement } from './requirement.js'
import type { Cipher } from './secrets/cipher.js'
import type { ClockRules } from './service/clocks.js'
import type { Lockout } from './service/dependencies.js'
import type { TwoFactorStorage } from './storage/storage.js'
import { localVerifier } from './verifiers/local.js'
import type { CodeParameters, Verifier } from './verifiers/verifier.js'

/** Who is signed in, as the host says. */
export interface TwoFactorUser {
  /** Never changes, and is one for each account: attempts are counted by it. */
  readonly id: string
  /** Shown in the authenticator app beside the issuer: an e-mail address or a login. */
  readonly label: string
}

type MaybePromise<T> = T | Promise<T>

/**
 * Options of the plugin. Every default is the value stated here.
 *
 * @typeParam User - What `getUser` answers, for a `policy` that reads more of it than we do.
 */
export interface TwoFactorOptions<User extends TwoFactorUser = TwoFactorUser> {
  /** Name of the service, shown in the authenticator app. Required. Must not contain a colon. */
  issuer: string

  /** Where enrolments are kept, such as `kyselyStorage(db)`. Required. */
  storage: TwoFactorStorage

  /**
   * Base64 of 32 random bytes each. The first one seals, every one opens: to rotate, put a new one in front.
   * Required, unless there is a `cipher`. Keep them out of the database and its backups.
   */
  encryptionKeys?: readonly string[]

  /** Seals the stored secrets in place of `encryptionKeys`, such as with a key management service. Default is none. */
  cipher?: Cipher

  /**
   * Says who is signed in, past the password or whatever the host asks for first; `null` or `undefined` for nobody.
   * Required. Called for each guarded request, so it should read rather than look up.
   */
  getUser: (request: FastifyRequest) => MaybePromise<User | null | undefined>

  /**
   * Path of the plugin's routes, under the prefix of the context that it is registered in. Default is `/2fa`.
   * It is the plugin's own option: Fastify ignores `prefix` for plugins that share their context.
   */
  prefix?: string

  /**
   * Whether the plugin registers its routes. `false` for a host that makes its own, on `request.twoFactor`; then
   * `verifyUrl` and `setupUrl` are required. Default is `true`. In JavaScript `prefix: false` means the same; Fastify's
   * own types do not allow that.
   */
  routes?: boolean

  /** Where "this client has passed" lives. Default is `sessionProof()`. */
  proof?: Proof

  /**
   * What checks codes: `localVerifier()` or `authenticatorApi({ url })`. Of a list, the first one takes new enrolments,
   * and every one checks those that it confirmed. A local one is always there. Default is `localVerifier()`.
   */
  verifier?: Verifier | readonly Verifier[]

  /**
   * `'marked'`: routes with a `config.twoFactor`. `'all'`: every route of the context that the plugin is registered in
   * and of the contexts below, with its not-found handler, but for routes with `config: { twoFactor: false }`.
   * Default is `'marked'`.
   */
  protect?: 'marked' | 'all'

  /**
   * Says by role or tenant what a user has to do, on top of what the route asks; it makes no route less strict. Asked
   * where it matters: for a signed-in user without two-factor authentication on a guarded route, before two-factor
   * authentication is turned off, and for the state of it. It may take as long as a statement of the storage; while it
   * fails, nobody is let in by it. Default is none: `'optional'` for everybody.
   */
  policy? (request: FastifyRequest, user: User): MaybePromise<TwoFactorRequirement>

  /** Where a browser that is not signed in is sent, with a `next`. Default is `null`: it gets the 401. */
  loginUrl?: string | null

  /** Where a client is sent to enter a code. Default is the plugin's own page. */
  verifyUrl?: string

  /** Where a user is sent to set up two-factor authentication. Default is the plugin's own page. */
  setupUrl?: string

  /** Where a browser goes after it passed, if it did not come from anywhere. Default is `/`. */
  defaultRedirect?: string

  /** HMAC of new enrolments. Many apps know `SHA1` alone. Default is `SHA1`. */
  algorithm?: 'SHA1' | 'SHA256' | 'SHA512'

  /**
   * Length of the codes of new enrolments: 6 to 8. Codes of 6 digits are always taken; lowering it shuts out those that
   * enrolled with more. Default is 6.
   */
  digits?: number

  /** Length of one time step of new enrolments, in seconds: 15 to 120. Default is 30. */
  period?: number

  /** Time steps accepted before and after the current one: 0 to 2. Default is 1 (RFC 6238 section 5.2). */
  window?: number

  /**
   * Up to how many seconds a phone's clock may be off, 30 to 600, for two codes in a row to resync its authenticator
   * (RFC 6238 section 6): the window is where its clock is from then on. `false`: they do not. Default is
   * `{ maxDrift: 600 }`.
   */
  resync?: { readonly maxDrift?: number } | false

  /**
   * How wrong codes are counted, for each account over all its clients. Default is
   * `{ attempts: 5, duration: 60_000, maxDuration: 3_600_000, disableAfter: 100 }`: 5 wrong codes in a row lock for a
   * minute, each further 5 for twice as long up to an hour, and 100 disable the authenticators.
   */
  lockout?: Partial<Lockout>

  /**
   * Requests of one address, as an outer wall: given to `@fastify/rate-limit`, so that a Redis client works. Default is
   * `{ max: 100, timeWindow: 60_000 }` over all routes that take a code. `false` for none.
   */
  rateLimit?: RateLimitPluginOptions | false

  /**
   * Further ways to prove oneself that the host brings, by name: lower-case letters, digits and hyphens. Default is
   * none.
   */
  methods?: ProofMethods

  /** How long a pending setup can be confirmed, in milliseconds: 60_000 to 3_600_000. Default is 600_000. */
  setupTtl?: number

  /** Recovery codes in a set: 5 to 20. Default is 10. */
  recoveryCodes?: number

  /** Authenticators that one user can have: 1 to 20. Default is 5. */
  maxAuthenticators?: number

  /**
   * How old a pass may be, in seconds, to add an authenticator or to make new recovery codes (ASVS 5.0, 7.5.1).
   * Default is 300.
   */
  stepUpMaxAge?: number

  /** How long a pass lasts, in milliseconds, up to 30 days. Default is 86_400_000 (NIST SP 800-63B-4, 2.2.3). */
  passTtl?: number

  /**
   * Whether users may have a device not asked for a code again: `true`, or `{ ttl, cookieName }`. Needs
   * `sessionProof()` and `@fastify/cookie`. Such a device has not authenticated, it was only remembered: it never
   * satisfies `{ maxAge }`
   * or `stepUpMaxAge`, and who takes it over needs the password alone. Default is `false`.
   */
  trustedDevices?: boolean | TrustedDevicesOptions

  /**
   * How long a pass is trusted before its row is read again, in seconds: 0 to 3600, 0 reads each time. A pass that was
   * revoked elsewhere is dead after that time. Default is 30.
   */
  revalidate?: number

  /**
   * How long one statement of the storage may take, or one command of the Redis of `rateLimit`, in milliseconds: 100 to
   * 30_000. Default is 2000.
   */
  storageTimeout?: number

  /**
   * The pages that browsers get: `true` for them as they are, or what a host makes of them. `false`: JSON for all.
   * Default is `true`.
   */
  pages?: boolean | PageOptions

  /**
   * Whether events are written to the table `two_factor_events`, in the transaction of the change that they record.
   * Default is `false`.
   */
  audit?: boolean

  /** Told of everything that changes or refuses. It is not waited for, and what it throws is logged. */
  onEvent?: (event: TwoFactorEvent) => unknown

  /** The time, in milliseconds since the epoch. For tests. Default is `Date.now`. */
  clock?: () => number
}

type Defaulted = Omit<TwoFactorOptions, 'encryptionKeys' | 'cipher' | 'verifier' | 'rateLimit' | 'resync' | 'lockout' | 'policy' | 'trustedDevices' | 'pages' | 'onEvent' | 'verifyUrl' | 'setupUrl'>

/** Options after {@link resolveOptions}: complete, checked and frozen. */
export interface ResolvedOptions extends Readonly<Required<Defaulted>> {
  readonly cipher: Cipher | undefined
  readonly verifier: Verifier
  /** By kind. */
  readonly verifiers: ReadonlyMap<string, Verifier>
  readonly resync: ClockRules['resync']
  readonly lockout: Lockout
  readonly trustedDevices: Required<TrustedDevicesOptions> | false
  readonly rateLimit: RateLimitPluginOptions | false
  readonly pages: ResolvedPages
  readonly policy: TwoFactorOptions['policy'] | undefined
  readonly onEvent: ((event: TwoFactorEvent) => unknown) | undefined
  readonly verifyUrl: string | undefined
  readonly setupUrl: string | undefined
}

const hour = 3_600_000

/**
 * Completes and checks the options of a registration.
 *
 * @throws {BadOptionError} if one is missing, out of range or unknown. The keys themselves are checked by the key ring.
 */
export function resolveOptions (options: TwoFactorOptions): ResolvedOptions {
  checkOption('options', isObject(options), 'an object')
  // What is left over is unknown. The last two are Fastify's own, which it passes to every plugin. The keys are for the
  // key ring alone: kept as text they would be in every heap snapshot.
  const {
    issuer, storage, cipher, getUser, prefix: path = '/2fa', routes: wanted = true, proof = sessionProof(), verifier = localVerifier(),
    protect = 'marked', policy, loginUrl = null, verifyUrl, setupUrl, defaultRedirect = '/', algorithm = 'SHA1', digits,
    period, window, resync = {}, lockout = {}, rateLimit = {}, methods = {}, setupTtl, recoveryCodes,
    maxAuthenticators, stepUpMaxAge, passTtl,
    trustedDevices = false, revalidate, storageTimeout, pages = true, audit = false, onEvent, clock = Date.now,
    encryptionKeys: _, logLevel: __, logSerializers: ___, ...unknown
  } = options as TwoFactorOptions & { logLevel?: unknown, logSerializers?: unknown }
  const prefix = path as unknown === false ? '' : path
  const routes = wanted && prefix !== ''

  refuseUnknown(unknown)
  checkOption('issuer', typeof issuer === 'string' && issuer.trim() !== '' && !issuer.includes(':'), 'a name without a colon')
  checkOption('storage', isObject(storage) && typeof storage.claimAttempt === 'function', 'a storage, such as kyselyStorage(db)')
  checkOption('cipher', cipher === undefined || isCipher(cipher), 'an object with the functions seal and open')
  checkOption('getUser', typeof getUser === 'function', 'a function that answers { id, label } or null')
  checkOption('prefix', prefix === '' ? path !== '' : isPrefix(prefix), 'a path that starts with a slash and does not end with one')
  checkOption('routes', typeof wanted === 'boolean', 'true or false')
  checkOption('proof', isObject(proof) && typeof proof.readPass === 'function', 'sessionProof() or bearerProof()')
  checkOption('protect', protect === 'marked' || protect === 'all', '"marked" or "all"')
  checkOption('policy', policy === undefined || typeof policy === 'function', 'a function')
  checkOption('loginUrl', loginUrl === null || isUrl(loginUrl), 'a path or URL, or null')
  checkOption('verifyUrl', verifyUrl === undefined ? routes : isUrl(verifyUrl), 'a path or URL; routes: false needs it')
  checkOption('setupUrl', setupUrl === undefined ? routes : isUrl(setupUrl), 'a path or URL; routes: false needs it')
  checkOption('defaultRedirect', isUrl(defaultRedirect), 'a path or URL')
  checkOption('algorithm', ['SHA1', 'SHA256', 'SHA512'].includes(algorithm), '"SHA1", "SHA256" or "SHA512"')
  checkOption('rateLimit', rateLimit === false || isObject(rateLimit), 'the options of @fastify/rate-limit, or false')
  checkOption('lockout', isObject(lockout), 'an object')
  checkOption('methods', isObject(methods) && Object.entries(methods).every(isMethod), 'methods by name, each with a label and the function check')
  checkOption('audit', typeof audit === 'boolean', 'true or false')
  checkOption('onEvent', onEvent === undefined || typeof onEvent === 'function', 'a function')
  checkOption('clock', typeof clock === 'function', 'a function that answers milliseconds since the epoch')

  const codes = {
    algorithm, digits: integerOption('digits', digits, 6, 6, 8), period: integerOption('period', period, 30, 15, 120)
  }

  return Object.freeze({
    issuer,
    storage,
    cipher,
    getUser,
    prefix,
    routes,
    proof,
    ...resolveVerifiers(verifier, codes),
    protect,
    policy,
    loginUrl,
    verifyUrl,
    setupUrl,
    defaultRedirect,
    ...codes,
    window: integerOption('window', window, 1, 0, 2),
    resync: resolveResync(resync),
    lockout: resolveLockout(lockout),
    rateLimit,
    methods,
    setupTtl: integerOption('setupTtl', setupTtl, hour / 6, 60_000, hour),
    recoveryCodes: integerOption('recoveryCodes', recoveryCodes, 10, 5, 20),
    maxAuthenticators: integerOption('maxAuthenticators', maxAuthenticators, 5, 1, 20),
    stepUpMaxAge: integerOption('stepUpMaxAge', stepUpMaxAge, 300, 1, 86_400),
    passTtl: integerOption('passTtl', passTtl, 24 * hour, 60_000, 30 * 24 * hour),
    trustedDevices: resolveTrustedDevices(trustedDevices, proof.ambient),
    revalidate: integerOption('revalidate', revalidate, 30, 0, 3600),
    storageTimeout: integerOption('storageTimeout', storageTimeout, 2000, 100, 30_000),
    pages: resolvePages(pages, issuer),
    audit,
    onEvent,
    clock
  })
}

function resolveVerifiers (
  given: Verifier | readonly Verifier[], codes: CodeParameters
): Pick<ResolvedOptions, 'verifier' | 'verifiers'> {
  const list = [given].flat()
  const [verifier] = list
  checkOption('verifier', verifier !== undefined && list.every(isVerifier), 'a verifier, such as localVerifier(), or a list of them')
  const verifiers = new Map(list.map(verifier => [verifier.kind, verifier]))
  checkOption('verifier', verifiers.size === list.length, 'a list with one verifier of each kind')
  const objection = verifier.objection?.(codes)
  checkOption('verifier', objection === undefined, `one for the codes of the other options: ${objection}`)
  if (!verifiers.has('local')) verifiers.set('local', localVerifier())
  return { verifier, verifiers }
}

function isCipher (value: unknown): value is Cipher {
  return isObject(value) && 'seal' in value && typeof value.seal === 'function' && 'open' in value && typeof value.open === 'function' &&
    ['string', 'undefined'].includes(typeof (value as Partial<Cipher>).keyId)
}

function isMethod ([name, method]: [string, unknown]): boolean {
  const { label, check } = (method ?? {}) as Partial<ProofMethod>
  return /^[a-z0-9-]{1,32}$/.test(name) && typeof label === 'string' && typeof check === 'function'
}

function isVerifier (value: unknown): value is Verifier {
  return isObject(value) && 'kind' in value && typeof value.kind === 'string' &&
    'check' in value && typeof value.check === 'function'
}

function resolveResync (given: { readonly maxDrift?: number } | false): ClockRules['resync'] {
  checkOption('resync', given === false || isObject(given), 'an object with maxDrift, or false')
  if (given === false) return false
  const { maxDrift, ...unknown } = given
  refuseUnknown(unknown, 'resync.')
  return Object.freeze({ maxDrift: integerOption('resync.maxDrift', maxDrift, 600, 30, 600) })
}

function resolveLockout ({ attempts, duration, maxDuration, disableAfter, ...unknown }: Partial<Lockout>): Lockout {
  refuseUnknown(unknown, 'lockout.')
  const resolved = {
    attempts: integerOption('lockout.attempts', attempts, 5, 1, 20),
    duration: integerOption('lockout.duration', duration, 60_000, 1_000, 24 * hour),
    maxDuration: integerOption('lockout.maxDuration', maxDuration, Math.max(hour, duration ?? 0), 1_000, 24 * hour),
    disableAfter: integerOption('lockout.disableAfter', disableAfter, 100, 1, 100)
  }
  checkOption('lockout.maxDuration', resolved.maxDuration >= resolved.duration, 'at least lockout.duration')
  checkOption('lockout.disableAfter', resolved.disableAfter >= resolved.attempts, 'at least lockout.attempts')
  return Object.freeze(resolved)
}

function isPrefix (value: unknown): boolean {
  return typeof value === 'string' && /^(?:\/[\w.~-]+)+$/.test(value)
}

/** A path of this site, or a page elsewhere that the host itself chose. */
function isUrl (value: unknown): boolean {
  return typeof value === 'string' && /^(?:\/(?!\/)|https?:\/\/)[^\s\\]*$/.test(value)
}
