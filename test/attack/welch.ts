/** What two classes of measurements came to. */
export interface Welch {
  readonly t: number
  /** Of each class. */
  readonly samples: readonly [number, number]
  /** Of the means, in the unit of the measurements: first class minus second. */
  readonly difference: number
}

/**
 * Welch's t of two classes, as leak tests use it ("Dude, is my code constant time?", Reparaz et al. 2017): above 4.5
 * they differ, above 10 plainly. Of each class the slowest tenth is left out, where the machine did something else.
 */
export function welch (first: readonly number[], second: readonly number[]): Welch {
  const limit = quantile([...first, ...second], 0.9)
  const classes = [first, second].map(values => moments(values.filter(value => value <= limit)))
  const [a, b] = classes as [Moments, Moments]
  const difference = a.mean - b.mean
  return {
    t: difference / Math.sqrt(a.variance / a.count + b.variance / b.count), samples: [a.count, b.count], difference
  }
}

interface Moments {
  readonly count: number
  readonly mean: number
  readonly variance: number
}

function moments (values: readonly number[]): Moments {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  return { count: values.length, mean, variance: squares / (values.length - 1) }
}

function quantile (values: readonly number[], share: number): number {
  return Float64Array.from(values).sort()[Math.floor(values.length * share)] ?? Infinity
}
