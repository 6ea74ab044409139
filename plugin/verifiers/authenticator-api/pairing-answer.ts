/** What AuthenticatorAPI.com answers to a pairing. */
export interface PairingAnswer {
  /** The key that the app is to be given, in Base32. */
  readonly key: string
  /** `otpauth:` URI of the QR code. */
  readonly uri: URL
}

/**
 * Reads the HTML that the service answers. It is never shown: the address of its picture has the secret in it, and
 * AuthenticatorAPI.com sends browsers on to a third party there.
 *
 * @returns `undefined` if it is something else.
 */
export function readPairingAnswer (html: string): PairingAnswer | undefined {
  const key = /\btitle=(['"])[^'"]*?\b([A-Z2-7]+)=*\1/.exec(html)?.[2]
  const source = /<img\b[^<>]*?\bsrc=(['"])([^'"]*)\1/i.exec(html)?.[2]?.replaceAll('&amp;', '&')
  if (key === undefined || source === undefined || !URL.canParse(source, 'https://localhost')) return undefined
  const data = new URL(source, 'https://localhost').searchParams.get('data')
  return data !== null && URL.canParse(data) ? { key, uri: new URL(data) } : undefined
}

/** Whether the app would be given this key, and make codes of 6 digits by SHA-1 in steps of 30 seconds from it. */
export function fits ({ key, uri }: PairingAnswer, expected: string): boolean {
  const parameter = (name: string) => uri.searchParams.get(name)?.toUpperCase()
  const secret = parameter('secret') ?? ''
  return key === expected && secret === expected.padEnd(secret.length, '=') &&
    uri.protocol === 'otpauth:' && uri.host === 'totp' &&
    ['SHA1', undefined].includes(parameter('algorithm')) &&
    ['6', undefined].includes(parameter('digits')) &&
    ['30', undefined].includes(parameter('period'))
}
