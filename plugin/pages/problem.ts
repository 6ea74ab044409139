import type { Messages } from './messages.js'
import type { View } from './parts.js'

/** What is read of a refusal. */
export interface Refusal {
  readonly code?: string
  /** Of a code that was right at another time, in seconds. */
  readonly clockOffset?: number | undefined
  /** Whether what was wrong is a recovery code. */
  readonly recovery?: boolean
  /** Whether two-factor authentication was to be turned off as a whole. */
  readonly turnOff?: boolean
  /** Whether too many wrong codes disabled the user's authenticators. */
  readonly disabled?: boolean
  /** What a schema did not allow. */
  readonly validation?: ReadonlyArray<{ readonly instancePath: string }>
}

/** Says to a user what was refused, and what to do. What the user cannot have caused by a page is not told apart. */
export function problemOf (
  { messages, formats }: View, { code = '', clockOffset, recovery, turnOff, disabled, validation }: Refusal
): string {
  if (validation) {
    const [{ instancePath } = { instancePath: '' }] = validation
    if (instancePath === '/code' || instancePath === '/proof') return messages.malformedCode
    return instancePath === '/name' ? messages.malformedName : messages.failed
  }
  if (turnOff) return messages.cannotTurnOff
  if (disabled) return messages.authenticatorsDisabled
  if (recovery) return messages.wrongRecoveryCode
  if (clockOffset === 0) return messages.clockSetRight
  if (clockOffset !== undefined) {
    const said = clockOffset > 0 ? messages.clockAhead : messages.clockBehind
    return said(formats.duration(Math.abs(clockOffset) * 1000))
  }
  return isSaid(code, messages) ? messages[code] : messages.failed
}

function isSaid (code: string, messages: Messages): code is Extract<keyof Messages, `FST_2FA_${string}`> {
  return code.startsWith('FST_2FA_') && code in messages
}
