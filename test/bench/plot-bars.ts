import { scaleLinear } from 'd3-scale'
import { figure, frame, px, svg, textWidth, tickText, width, type Html } from './plot-frame.js'

export interface Bar {
  readonly name: string
  /** Not below zero. */
  readonly value: number
  /** What it should reach, or stay below: a dashed line across the bar. */
  readonly goal?: number
}

export interface BarChart {
  readonly title: string
  /** What the values are, as the axis has it. */
  readonly unit: string
  readonly bars: readonly Bar[]
  /** What the dashed lines mean. Default is `goal`. */
  readonly goalName?: string
}

const [top, step, thickness] = [56, 30, 18]

/** Horizontal bars from zero, each with its figure, as an SVG file. */
export function barChart ({ title, unit, bars, goalName = 'goal' }: BarChart): string {
  const left = 32 + Math.max(...bars.map(({ name }) => textWidth(name)))
  const right = width - 90
  const bottom = top + bars.length * step
  const most = Math.max(...bars.map(({ value, goal = 0 }) => Math.max(value, goal)))
  const scale = scaleLinear([0, most || 1], [left, right]).nice(5)
  const hasGoal = bars.some(({ goal }) => goal !== undefined)
  const drawn = bars.map((bar, index) => drawBar(bar, top + index * step, scale))
  const grid = scale.ticks(5).map(tick => svg`<line class="grid" x1="${px(scale(tick))}" x2="${px(scale(tick))}" y1="${top - 8}" y2="${bottom}"/>
<text class="faint middle" x="${px(scale(tick))}" y="${bottom + 18}">${tickText(tick)}</text>`)
  const axis = svg`<text class="faint middle" x="${px((left + right) / 2)}" y="${bottom + 40}">${unit}${hasGoal && `, dashed: ${goalName}`}</text>`
  return frame({
    title,
    description: `${unit}: ${bars.map(bar => describe(bar, goalName)).join('; ')}.`,
    height: bottom + 56,
    content: [...grid, ...drawn, axis]
  })
}

function drawBar ({ name, value, goal }: Bar, y: number, scale: (value: number) => number): Html {
  const [from, to, middle] = [scale(0), scale(value), y + thickness / 2]
  const line = goal !== undefined &&
    svg`<line class="goal" x1="${px(scale(goal))}" x2="${px(scale(goal))}" y1="${y - 4}" y2="${y + thickness + 4}"/>`
  // Beside the dashed line, where that would cross it.
  const end = goal !== undefined && scale(goal) > to && scale(goal) < to + 60 ? scale(goal) : to
  return svg`<text class="end" x="${px(from - 8)}" y="${middle + 4}">${name}</text>
<rect class="f1" x="${px(from)}" y="${y}" width="${px(Math.max(to - from, 1))}" height="${thickness}" rx="2"/>${line}
<text x="${px(end + 6)}" y="${middle + 4}">${figure(value)}</text>`
}

function describe ({ name, value, goal }: Bar, goalName: string): string {
  return `${name} ${figure(value)}${goal === undefined ? '' : ` (${goalName} ${figure(goal)})`}`
}
