import { scaleLinear, scaleLog } from 'd3-scale'
import { line } from 'd3-shape'
import { figure, frame, px, svg, textWidth, tickText, width, type Html } from './plot-frame.js'

export interface Axis {
  /** What is measured, and in what. */
  readonly label: string
  /** Default is linear. */
  readonly scale?: 'linear' | 'log'
}

export interface Series {
  readonly name: string
  /** In the order of x. */
  readonly points: ReadonlyArray<readonly [x: number, y: number]>
}

export interface LineChart {
  readonly title: string
  readonly x: Axis
  /** Linear, it begins at zero: what looks twice as high is twice as much. */
  readonly y: Axis
  /** Four at most, as many as there are colours. */
  readonly series: readonly Series[]
}

type Scale = ReturnType<typeof scaleLinear<number>> | ReturnType<typeof scaleLog<number>>

const [top, bottom, left] = [64, 300, 76]

/** Lines through points, each named at its end, as an SVG file. */
export function lineChart ({ title, x, y, series }: LineChart): string {
  const right = width - 28 - Math.max(...series.map(({ name }) => textWidth(name)))
  const points = series.flatMap(({ points }) => points)
  const across = scaleOf(x, points.map(([value]) => value), [left, right])
  const up = scaleOf(y, points.map(([, value]) => value), [bottom, top], 0)
  if (y.scale !== 'log') up.nice(5)
  const names = apart(series.map(({ points }) => up(points.at(-1)?.[1] ?? 0) + 4))
  return frame({
    title,
    description: `${y.label} by ${x.label}. ${series.map(describe).join(' ')}`,
    height: bottom + 60,
    content: [
      ...ticksOf(up).map(tick => svg`<line class="grid" x1="${left}" x2="${px(right)}" y1="${px(up(tick))}" y2="${px(up(tick))}"/>
<text class="faint end" x="${left - 8}" y="${px(up(tick) + 4)}">${tickText(tick)}</text>`),
      ...ticksOf(across).map(tick => svg`<text class="faint middle" x="${px(across(tick))}" y="${bottom + 20}">${tickText(tick)}</text>`),
      svg`<text class="faint" x="20" y="50">${y.label}</text>`,
      svg`<text class="faint middle" x="${px((left + right) / 2)}" y="${bottom + 44}">${x.label}</text>`,
      ...series.map((one, index) => drawSeries(one, index + 1, { across, up, nameAt: [right + 8, names[index] ?? 0] }))
    ]
  })
}

interface Place {
  readonly across: Scale
  readonly up: Scale
  readonly nameAt: readonly [x: number, y: number]
}

function drawSeries ({ name, points }: Series, color: number, { across, up, nameAt }: Place): Html {
  const path = line().x(([x]) => across(x)).y(([, y]) => up(y)).digits(1)(points as Array<[number, number]>) ?? ''
  // Of many the line says enough.
  const dots = points.length > 12 ? [] : points.map(([x, y]) => svg`<circle class="f${color}" cx="${px(across(x))}" cy="${px(up(y))}" r="3.5"/>`)
  return svg`<path class="line s${color}" d="${path}"/>${dots}
<text class="f${color}" x="${px(nameAt[0])}" y="${px(nameAt[1])}">${name}</text>`
}

function scaleOf (axis: Axis, values: number[], range: [number, number], from = Math.min(...values)): Scale {
  const most = Math.max(...values)
  if (axis.scale === 'log') return scaleLog([Math.min(...values), most], range)
  return scaleLinear([from, most === from ? from + 1 : most], range)
}

/** Of a logarithmic scale the powers of ten. */
function ticksOf (scale: Scale): number[] {
  return 'base' in scale ? scale.ticks().filter(tick => Number.isInteger(Math.log10(tick))) : scale.ticks(5)
}

/** Moves what is less than a line of text apart, and not down to where the ticks are. */
function apart (places: readonly number[]): number[] {
  const moved = [...places]
  const order = places.map((_, index) => index).sort((a, b) => places[a]! - places[b]!)
  for (const [rank, index] of order.entries()) {
    const above = order[rank - 1]
    if (above !== undefined) moved[index] = Math.max(moved[index]!, moved[above]! + 17)
  }
  for (const [rank, index] of order.toReversed().entries()) {
    moved[index] = Math.min(moved[index]!, bottom + 4 - 17 * rank)
  }
  return moved
}

function describe ({ name, points }: Series): string {
  if (points.length <= 12) return `${name}: ${points.map(([x, y]) => `${figure(y)} at ${figure(x)}`).join(', ')}.`
  const values = points.map(([, y]) => y)
  const [first = NaN, last = NaN] = [values[0], values.at(-1)]
  return `${name}: from ${figure(first)} to ${figure(last)}, ${figure(Math.min(...values))} at least and ${figure(Math.max(...values))} at most.`
}
