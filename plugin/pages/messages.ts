/**
 * Everything that the pages say, in one language. Messages are plain text: what they are put into is escaped. Names,
 * dates and durations come in as the page shows them, numbers as numbers, for the plural.
 */
export interface Messages {
  /** Which way the language is written. */
  readonly direction: 'ltr' | 'rtl'

  // On several pages.
  readonly back: string
  readonly continue: string
  readonly tryAgain: string
  readonly codeLabel: string
  /** Beside a field whose form is sent by itself. */
  readonly sentWhenComplete: string
  /** What a browser sent before it was asked for a code was not done. */
  readonly resendAfterSetup: string
  readonly resendAfterCode: string
  readonly resendAfterRecoveryCode: string
  readonly resendAfterContinue: string
  readonly recoveryCodesLeft: (count: number) => string
  readonly makeRecoveryCodes: string

  // Set up.
  readonly setupTitle: string
  readonly setupScan: string
  readonly qrCode: string
  readonly cannotScan: string
  readonly enterKey: (account: string) => string
  readonly openInApp: string
  readonly deviceName: string
  readonly deviceNameExample: string
  /** The name of an authenticator whose user gave it none. */
  readonly unnamedAuthenticator: string
  readonly setupCode: string
  readonly turnOn: string
  readonly addedTitle: string
  readonly addedText: string

  // Recovery codes.
  readonly turnedOnTitle: string
  readonly newRecoveryCodesTitle: string
  readonly keepRecoveryCodes: string
  readonly shownOnce: string
  readonly saved: string
  readonly copy: string
  readonly copied: string
  readonly notCopied: string
  readonly download: string
  readonly print: string
  /** Heading of the file. */
  readonly recoveryCodesOf: (site: string) => string
  readonly eachWorksOnce: string
  readonly fewRecoveryCodesTitle: string
  readonly noRecoveryCodesTitle: string
  readonly fewRecoveryCodesText: string
  readonly notNow: string

  // Verify and recover.
  readonly verifyTitle: string
  readonly trustDevice: (duration: string) => string
  readonly noPhone: string
  readonly recoverTitle: string
  readonly recoverText: string
  readonly recoveryCodeLabel: string
  readonly useAppCode: string
  readonly methodCodeLabel: string
  readonly recoveredTitle: string
  readonly recoveryCodeUsed: string
  readonly lostPhoneTitle: string
  readonly lostPhoneText: string
  readonly setUpAnother: string

  // Settings.
  readonly settingsTitle: string
  readonly isOff: string
  readonly whyTurnOn: string
  readonly setItUp: string
  readonly isOn: string
  readonly verifyToChange: string
  readonly required: string
  readonly requiredFrom: (date: string, daysLeft: number) => string
  readonly authenticators: string
  readonly addAuthenticator: string
  readonly addedOn: (date: string) => string
  readonly lastUsed: (date: string) => string
  readonly notUsedYet: string
  readonly rename: string
  readonly renameOne: (name: string) => string
  readonly newName: string
  readonly save: string
  readonly remove: string
  readonly removeOne: (name: string) => string
  readonly removeTitle: string
  readonly removeText: (name: string) => string
  readonly removeLastTitle: string
  readonly removeLastText: (name: string) => string
  readonly removeLast: string
  readonly keepIt: string
  readonly recoveryCodes: string
  readonly newOnesReplaceThem: string
  readonly turnOffTitle: string
  readonly cannotTurnOff: string
  readonly turnOff: string

  // Trusted devices.
  readonly devices: string
  readonly noDevices: string
  readonly devicesText: string
  readonly browserOnSystem: (browser: string, system: string) => string
  readonly unknownDevice: string
  readonly thisDevice: string
  readonly trustedUntil: (date: string) => string
  readonly revoke: string
  readonly revokeOne: (device: string) => string
  readonly revokeAll: string

  // Recent activity.
  readonly activity: string
  readonly noActivity: string
  readonly fromAddress: (ip: string) => string
  readonly wasItYou: string
  readonly 'event:setup-confirmed': string
  readonly 'event:authenticator-renamed': string
  readonly 'event:authenticator-removed': string
  readonly 'event:verified': string
  readonly 'event:failed': string
  readonly 'event:reused': string
  readonly 'event:locked': string
  readonly 'event:recovered': string
  readonly 'event:recovery-codes-regenerated': string
  readonly 'event:disabled': string
  readonly 'event:unlocked': string
  readonly 'event:reset': string
  readonly 'event:imported': string
  readonly 'event:device-trusted': string
  readonly 'event:device-revoked': string
  readonly 'event:device-reuse-alarm': string

  // Refusals, by the code of the error.
  readonly lockedTitle: string
  readonly lockedFor: (duration: string) => string
  readonly lockOver: string
  readonly tooManyRequestsFor: (duration: string) => string
  readonly authenticatorsDisabled: string
  readonly unavailableTitle: string
  readonly failedTitle: string
  readonly failed: string
  readonly malformedCode: string
  readonly malformedName: string
  readonly wrongRecoveryCode: string
  readonly clockAhead: (duration: string) => string
  readonly clockBehind: (duration: string) => string
  readonly clockSetRight: string
  readonly FST_2FA_UNAUTHENTICATED: string
  readonly FST_2FA_REQUIRED: string
  readonly FST_2FA_SETUP_REQUIRED: string
  readonly FST_2FA_INVALID_CODE: string
  readonly FST_2FA_NOT_ENABLED: string
  readonly FST_2FA_ALREADY_ENABLED: string
  readonly FST_2FA_AUTHENTICATOR_LIMIT: string
  readonly FST_2FA_UNKNOWN_AUTHENTICATOR: string
  readonly FST_2FA_LAST_AUTHENTICATOR: string
  readonly FST_2FA_UNKNOWN_DEVICE: string
  readonly FST_2FA_UNKNOWN_METHOD: string
  readonly FST_2FA_SETUP_EXPIRED: string
  readonly FST_2FA_CROSS_ORIGIN: string
  readonly FST_2FA_UNAVAILABLE: string
}

/** Some messages of a language: for what is missing, another language is spoken. */
export type PartialMessages = { readonly [Key in keyof Messages]?: Messages[Key] | undefined }
