import type { TwoFactorStorage } from './storage.js'

/** What is one statement where a statement can change several tables, and elsewhere one transaction. */
export type Decisions = Pick<
  TwoFactorStorage,
  'claimAttempt' | 'refundAttempt' | 'acceptStep' | 'acceptProof' | 'acceptRecoveryCode' | 'burnCode' |
  'renameAuthenticator' | 'trustDevice' | 'useDevice' | 'revokeDevices' |
  'countSealed' | 'listSealed' | 'replaceSealed' |
  'enableAll' | 'setKindOfAll' | 'pruneExpired' | 'countTotals'
>
