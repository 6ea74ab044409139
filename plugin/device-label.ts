// The first that fits counts: most browsers also name the ones that they want to be taken for.
const browsers = [
  [/\bEdg(?:e|A|iOS)?\//, 'Edge'], [/\b(?:OPR|OPX|OPT)\//, 'Opera'], [/\bVivaldi\//, 'Vivaldi'],
  [/\bSamsungBrowser\//, 'Samsung Internet'], [/\b(?:Firefox|FxiOS)\//, 'Firefox'], [/\b(?:Chrome|HeadlessChrome|Chromium|CriOS)\//, 'Chrome'],
  [/\bSafari\//, 'Safari']
] as const

const systems = [
  [/\biPhone\b/, 'iPhone'], [/\biPad\b/, 'iPad'], [/\bAndroid\b/, 'Android'], [/\bWindows\b/, 'Windows'],
  [/\bMac OS X\b|\bMacintosh\b/, 'Mac'], [/\bCrOS\b/, 'ChromeOS'], [/\bLinux\b/, 'Linux']
] as const

/**
 * What a user knows a device by: its browser and system, such as `Firefox on Windows`, as its `User-Agent` has it.
 * Of one that names neither, the first word: at most 64 printable ASCII characters.
 */
export function deviceLabel (userAgent: string | undefined): string {
  const header = userAgent?.slice(0, 1024) ?? ''
  const [, browser] = browsers.find(([pattern]) => pattern.test(header)) ?? []
  const [, system] = systems.find(([pattern]) => pattern.test(header)) ?? []
  if (browser !== undefined && system !== undefined) return `${browser} on ${system}`
  return browser ?? system ?? /^[\x21-\x7e]{1,64}/.exec(header)?.[0] ?? 'Unknown device'
}
