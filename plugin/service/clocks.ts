import { reach, timeStep } from '../otp/totp.js'
import type { StoredAuthenticator } from '../storage/storage.js'

/** What the package makes of a clock that is off. */
export interface ClockRules {
  /** Time steps accepted on each side of the clock that an authenticator is known to have. */
  readonly window: number
  /** How many seconds off two codes in a row may be to resync an authenticator (RFC 6238 section 6). `false`: none. */
  readonly resync: { readonly maxDrift: number } | false
}

// The second code of a resync may be the next one, or one of the two after it: who reads a message misses one.
const resyncSteps = 3
// A crystal that is off by 50 millionths, as cheap ones are, takes a week to lose 30 seconds.
const rest = 7 * 24 * 3_600_000

/**
 * How far the clock of an authenticator is taken to be ahead, in time steps.
 *
 * Without a resync no further than the window is wide: then the code of a clock that is right always is in it.
 */
export function driftOf (
  { drift, period }: Pick<StoredAuthenticator, 'drift' | 'period'>, { window, resync }: ClockRules
): number {
  const bound = resync ? Math.floor(resync.maxDrift / period) : window
  return Math.max(-bound, Math.min(bound, drift))
}

/**
 * Follows a clock that runs slow or fast: how far it is taken to be ahead once this code is accepted. One step at most.
 *
 * The window moves for a code at the very edge of it, if the one before was at the same edge, or is a week old. A code
 * that was typed late looks like a slow clock, and must not close the window to one that is typed in time.
 *
 * @param now - In milliseconds since the epoch.
 */
export function followClock (authenticator: StoredAuthenticator, step: number, now: number, rules: ClockRules): number {
  const { lastStep, lastUsedAt, period } = authenticator
  const drift = driftOf(authenticator, rules)
  const edge = (step: number, at: number) => {
    const off = step - timeStep(at, period) - drift
    return Math.abs(off) >= rules.window ? Math.sign(off) : 0
  }
  const side = edge(step, now)
  if (side === 0 || lastUsedAt === null) return drift
  const before = lastUsedAt.getTime()
  if (now - before < rest && edge(lastStep, before) !== side) return drift
  return driftOf({ drift: drift + side, period }, rules)
}

/**
 * How far the clock of a phone is ahead whose code belongs to this time step, in seconds. Negative if it is behind.
 *
 * @param now - In milliseconds since the epoch.
 */
export function clockOffset ({ period }: Pick<StoredAuthenticator, 'period'>, step: number, now: number): number {
  return (step - timeStep(now, period)) * period
}

/**
 * Until when a code of another time has to be burnt: for as long as any drift could bring its step into the window.
 *
 * @param step - The newest one that the code belongs to.
 */
export function burntUntil (
  { period }: Pick<StoredAuthenticator, 'period'>, step: number, { window }: ClockRules
): Date {
  return new Date((step + Math.floor(reach / period) + window + 1) * period * 1000)
}

/**
 * Whether a code of another time confirms the one before it: both are as far off, one soon after the other, and the
 * bound allows as much.
 *
 * @param step - The one that the code belongs to.
 * @param now - In milliseconds since the epoch.
 */
export function resyncs (
  { hint, period }: Pick<StoredAuthenticator, 'hint' | 'period'>, step: number, now: number,
  { resync }: ClockRules
): boolean {
  if (!resync || hint === null) return false
  const offset = clockOffset({ period }, step, now)
  // As far off: so many steps of the clock here as there are between the codes. That bounds the time as well.
  return step > hint.step && step - hint.step <= resyncSteps &&
    clockOffset({ period }, hint.step, hint.at.getTime()) === offset &&
    Math.abs(offset) <= resync.maxDrift
}
