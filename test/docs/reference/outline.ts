/** Types whose members have a heading each, so that they can be linked to, and what stands before their names. */
export const withHeadings: Readonly<Record<string, string>> = {
  TwoFactorOptions: 'options',
  RequestTwoFactor: 'request.twoFactor',
  TwoFactorBackOffice: 'app.twoFactor',
  TwoFactorStorage: 'storage'
}

/** Exports that are explained under a heading of another name. */
export const explainedUnder: Readonly<Record<string, string>> = {
  TwoFactorOptions: 'Options',
  TwoFactorStorage: 'Storage interface',
  TwoFactorEvent: 'Events',
  TwoFactorEventType: 'Events',
  TwoFactorPolicy: 'config.twoFactor'
}
