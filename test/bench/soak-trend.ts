export interface Trend {
  /** By how much y rises for each one of x, by the least squares. */
  readonly slope: number
  /** The standard error of the slope: twice of it, up and down, is where the true one is, 19 times of 20. */
  readonly error: number
}

/** The straight line through points, by linear regression. NaN of fewer than three. */
export function trendOf (points: ReadonlyArray<readonly [x: number, y: number]>): Trend {
  const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const spread = points.reduce((sum, [px]) => sum + (px - x) ** 2, 0)
  const slope = points.reduce((sum, [px, py]) => sum + (px - x) * (py - y), 0) / spread
  const rest = points.reduce((sum, [px, py]) => sum + (py - y - slope * (px - x)) ** 2, 0)
  if (points.length < 3) return { slope: NaN, error: NaN }
  return { slope, error: Math.sqrt(rest / (points.length - 2) / spread) }
}
