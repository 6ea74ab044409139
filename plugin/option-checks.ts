import { BadOptionError } from './errors.js'

/** @throws {BadOptionError} if it does not hold. */
export function checkOption (name: string, holds: boolean, expected: string): asserts holds {
  if (!holds) throw new BadOptionError(name, expected)
}

/**
 * A whole number within bounds, or the fallback for `undefined`.
 *
 * @throws {BadOptionError}
 */
export function integerOption (
  name: string, value: number | undefined, fallback: number, min: number, max: number
): number {
  const chosen = value ?? fallback
  checkOption(name, Number.isInteger(chosen) && chosen >= min && chosen <= max, `an integer from ${min} to ${max}`)
  return chosen
}

/** @throws {BadOptionError} if anything is left that has not been taken. */
export function refuseUnknown (options: object, path = ''): void {
  const [name] = Object.keys(options)
  if (name !== undefined) throw new BadOptionError(path + name, 'left out: there is no such option')
}

/** Also for arrays: those that take an object look for what it must have. */
export function isObject (value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
