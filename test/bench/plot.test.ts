import t, { type Test } from 'tap'
import { table, withRegion } from './page-region.js'
import { barChart } from './plot-bars.js'
import { lineChart } from './plot-lines.js'
import { trendOf } from './soak-trend.js'

const tag = /<(\/?)([a-z]+)(?: [\w:-]+="[^"<>]*")*(\/?)>/g

/** Every element is closed by itself or by its own end, and every text is escaped. */
function checkMarkup (t: Test, svg: string): void {
  const open: string[] = []
  for (const [, end, name = '', closed] of svg.matchAll(tag)) {
    if (end) t.equal(open.pop(), name)
    else if (!closed) open.push(name)
  }
  t.same(open, [])
  t.notMatch(svg.replaceAll(tag, ''), /[<>]|&(?!(?:amp|lt|gt|quot|#39);)/)
  t.notMatch(svg, /NaN|undefined|Infinity/)
}

function widthsOf (svg: string): number[] {
  return [...svg.matchAll(/<rect class="f1"[^>]* width="([\d.]+)"/g)].map(([, width]) => Number(width))
}

t.test('bars are as long as their values are large, and the description has the figures', async t => {
  const svg = barChart({
    title: 'Less <than> "that" & more',
    unit: 'times',
    bars: [{ name: 'one', value: 3, goal: 8 }, { name: 'two', value: 6 }, { name: 'none', value: 0 }]
  })
  checkMarkup(t, svg)
  const [one = 0, two = 0] = widthsOf(svg)
  t.ok(one > 100)
  t.ok(Math.abs(two / one - 2) < 0.01)
  t.match(svg, '<title id="title">Less &lt;than&gt; &quot;that&quot; &amp; more</title>')
  t.match(svg, '<desc id="description">times: one 3 (goal 8); two 6; none 0.</desc>')
})

t.test('a line goes from zero up, and by powers of ten across if it is told to', async t => {
  const svg = lineChart({
    title: 'By number of users',
    x: { label: 'users', scale: 'log' },
    y: { label: 'per second' },
    series: [
      { name: 'flat', points: [[1000, 800], [100_000, 800], [10_000_000, 800]] },
      { name: 'falling', points: [[1000, 800], [10_000_000, 400]] }
    ]
  })
  checkMarkup(t, svg)
  const dots = [...svg.matchAll(/<circle class="f1" cx="([\d.]+)" cy="([\d.]+)"/g)]
    .map(([, x, y]) => [Number(x), Number(y)])
  const [first = [], second = [], third = []] = dots
  t.equal(first[1], third[1])
  t.ok(Math.abs((third[0]! - second[0]!) - (second[0]! - first[0]!)) < 0.2, 'each two powers of ten are as wide')
  const names = [...svg.matchAll(/<text class="f\d" x="[\d.]+" y="([\d.]+)"/g)].map(([, y]) => Number(y))
  t.ok(Math.abs(names[0]! - names[1]!) > 16, 'names do not cover each other')
  t.match(svg, 'per second by users. flat: 800 at 1,000, 800 at 100,000, 800 at 10,000,000. falling:')
})

t.test('a plot of equal values, of one point, or of none above zero is one too', async t => {
  const axes = { x: { label: 'minutes' }, y: { label: 'MiB' } }
  checkMarkup(t, lineChart({ title: 'One', ...axes, series: [{ name: 'one', points: [[1, 5]] }] }))
  checkMarkup(t, lineChart({ title: 'Zero', ...axes, series: [{ name: 'zero', points: [[1, 0], [2, 0]] }] }))
  checkMarkup(t, barChart({ title: 'Nothing', unit: 'bytes', bars: [{ name: 'none', value: 0 }] }))
})

t.test('a region is replaced, and the rest of the page stays', async t => {
  const page = 'before\n<!-- a -->\nold\n<!-- /a -->\nafter\n<!-- b --><!-- /b -->\n'
  const written = withRegion(page, 'a', 'new\n')
  t.equal(written, 'before\n<!-- a -->\n\nnew\n\n<!-- /a -->\nafter\n<!-- b --><!-- /b -->\n')
  t.equal(withRegion(written, 'a', 'new'), written, 'twice is the same')
  for (const broken of ['', '<!-- a -->', '<!-- /a --><!-- a -->', '<!-- a --><!-- a --><!-- /a -->', `${page}${page}`]) {
    t.throws(() => withRegion(broken, 'a', 'new'), /once each/, broken)
  }
  t.equal(table(['', 'x'], [['a', '1']]), '|  | x |\n| --- | ---: |\n| a | 1 |')
})

t.test('the trend of points on a line is its slope, and noise widens the error', async t => {
  const line = Array.from({ length: 15 }, (_, x) => [x, 7 + 3 * x] as const)
  t.match(trendOf(line), { slope: 3, error: 0 })
  // Anscombe's quartet, the first set: slope 0.5001, standard error 0.1179 (F. J. Anscombe, 1973).
  const x = [10, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5]
  const y = [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68]
  const { slope, error } = trendOf(x.map((value, index) => [value, y[index]!] as const))
  t.equal(slope.toFixed(4), '0.5001')
  t.equal(error.toFixed(4), '0.1179')
  t.same(trendOf([[1, 1], [2, 2]]), { slope: NaN, error: NaN })
})
