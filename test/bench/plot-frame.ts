import { html as svg, trusted, type Html } from '../../plugin/pages/html.js'

export { svg, type Html }

export interface Frame {
  /** One line, above the plot. */
  readonly title: string
  /** What those hear who do not see it: the figures themselves. */
  readonly description: string
  /** In pixels. */
  readonly height: number
  readonly content: readonly Html[]
}

/** Every plot is as wide as the text of a page, in pixels. */
export const width = 760

/** Pixels that a text takes, at most a little less: the fonts of readers differ. */
export const textWidth = (text: string) => text.length * 7

// A picture knows the colours that its reader prefers, not those of the page it is on: so it brings its own ground.
const style = trusted(`<style>
svg { --ground: #fff; --ink: #1f2328; --faint: #59636e; --grid: #d1d9e0; --1: #0969da; --2: #bc4c00; --3: #1a7f37; --4: #8250df }
@media (prefers-color-scheme: dark) { svg { --ground: #0d1117; --ink: #f0f6fc; --faint: #9198a1; --grid: #3d444d; --1: #58a6ff; --2: #f0883e; --3: #3fb950; --4: #bc8cff } }
text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--ink) }
.title { font-size: 15px; font-weight: 600 }
.faint { fill: var(--faint) }
.end { text-anchor: end }
.middle { text-anchor: middle }
.ground { fill: var(--ground); stroke: var(--grid) }
.grid { stroke: var(--grid) }
.goal { stroke: var(--ink); stroke-dasharray: 3 3 }
.line { fill: none; stroke-width: 2 }
.s1 { stroke: var(--1) } .s2 { stroke: var(--2) } .s3 { stroke: var(--3) } .s4 { stroke: var(--4) }
.f1 { fill: var(--1) } .f2 { fill: var(--2) } .f3 { fill: var(--3) } .f4 { fill: var(--4) }
</style>`)

/** An SVG file for light and dark, of which screen readers tell the title and the description. */
export function frame ({ title, description, height, content }: Frame): string {
  return `${svg`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title description">
<title id="title">${title}</title>
<desc id="description">${description}</desc>
${style}
<rect class="ground" x="0.5" y="0.5" width="${width - 1}" height="${height - 1}" rx="6"/>
<text class="title" x="20" y="30" aria-hidden="true">${title}</text>
${content.flatMap(part => [part, '\n'])}</svg>`}\n`
}

/** To a tenth of a pixel. */
export function px (value: number): string {
  return String(Math.round(value * 10) / 10)
}

/** A figure as people read it: three digits that count, whole from a hundred on. */
export function figure (value: number): string {
  const fractionDigits = Math.abs(value) >= 100 || Number.isInteger(value) ? 0 : Math.abs(value) >= 10 ? 1 : 2
  return value.toLocaleString('en', { maximumFractionDigits: fractionDigits, minimumFractionDigits: fractionDigits })
}

/** A tick of an axis, as short as it is. */
export function tickText (value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 6 })
}
