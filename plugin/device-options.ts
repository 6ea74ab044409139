import { checkOption, integerOption, refuseUnknown } from './option-checks.js'

/** How devices are trusted. */
export interface TrustedDevicesOptions {
  /**
   * How long a device is trusted after its code, in milliseconds: 60_000 to 7_776_000_000 (90 days). Its uses do not
   * prolong it. Default is 2_592_000_000 (30 days).
   */
  readonly ttl?: number

  /**
   * Name of the cookie; over https it has `__Host-` in front. Registrations in one app that have users of their own
   * need different ones. Default is `two-factor-device`.
   */
  readonly cookieName?: string
}

const day = 86_400_000

/** @throws {BadOptionError} */
export function resolveTrustedDevices (
  given: boolean | TrustedDevicesOptions, ambient: boolean
): Required<TrustedDevicesOptions> | false {
  if (given === false) return false
  checkOption('trustedDevices', given === true || (typeof given === 'object' && given !== null && !Array.isArray(given)),
    'false, true or { ttl, cookieName }')
  checkOption('trustedDevices', ambient, 'false with bearerProof(): it needs cookies')
  const { ttl, cookieName = 'two-factor-device', ...unknown } = given === true ? {} : given
  refuseUnknown(unknown, 'trustedDevices.')
  checkOption('trustedDevices.cookieName', typeof cookieName === 'string' && /^(?!__)[\w.-]{1,64}$/.test(cookieName),
    'the name of a cookie, without a prefix of two underscores')
  return Object.freeze({ ttl: integerOption('trustedDevices.ttl', ttl, 30 * day, 60_000, 90 * day), cookieName })
}
