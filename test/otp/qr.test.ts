import fc from 'fast-check'
import jsqr from 'jsqr'
import { TOTP, URI } from 'otpauth'
import t from 'tap'
import { keyUri } from '../../plugin/otp/key-uri.js'
import { qrSvg } from '../../plugin/otp/qr.js'

const secret = Buffer.from('12345678901234567890')
const parameters = { issuer: 'Acme', label: 'ada@example.com', secret, algorithm: 'SHA1', digits: 6, period: 30 } as const

const hostile = [
  'ada&secret=AAAAAAAA&issuer=Evil', 'ada?secret=AAAAAAAA', 'ada#fragment', 'ada%20lovelace', '%3A%', 'a/../b',
  'ada:lovelace', '::', 'ada lovelace', 'a+b@example.com', '\u{1f511} ключ 鍵', '"ada" <ada@example.com>', '\'; drop table--',
  '!\'()*', 'line\nbreak', '\0', '=', '&', '\\'
]

function parse (uri: string): TOTP {
  const parsed = URI.parse(uri)
  if (!(parsed instanceof TOTP)) throw new Error('Not a TOTP URI')
  return parsed
}

t.test('keyUri writes the Key URI format to the letter', async t => {
  t.equal(keyUri({ ...parameters, issuer: 'ACME Co' }),
    'otpauth://totp/ACME%20Co:ada%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ' +
    '&issuer=ACME%20Co&algorithm=SHA1&digits=6&period=30')
})

t.test('keyUri is read back right by otpauth, also with a hostile label or issuer', async t => {
  for (const text of hostile) {
    const issuer = text.replaceAll(':', '')
    const parsed = parse(keyUri({ ...parameters, label: text, issuer: issuer || 'Acme' }))
    t.equal(parsed.label, text, JSON.stringify(text))
    t.equal(parsed.issuer, issuer || 'Acme')
    t.equal(parsed.secret.base32, 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
  }

  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 })
  fc.assert(fc.property(
    // The format lets spaces precede the account name, so readers drop them.
    text.filter(label => label.trimStart() === label),
    text.map(issuer => issuer.replaceAll(':', '.')),
    fc.uint8Array({ minLength: 1, maxLength: 64 }),
    fc.constantFrom('SHA1', 'SHA256', 'SHA512'),
    fc.constantFrom(6, 7, 8),
    fc.integer({ min: 15, max: 120 }),
    (label, issuer, secret, algorithm, digits, period) => {
      const parsed = parse(keyUri({ label, issuer, secret, algorithm, digits, period }))
      return parsed.label === label && parsed.issuer === issuer && Buffer.from(parsed.secret.bytes).equals(secret) &&
        parsed.algorithm === algorithm && parsed.digits === digits && parsed.period === period
    }))
})

t.test('keyUri leaves only unreserved characters in what the host passes in', async t => {
  for (const text of hostile) {
    const uri = keyUri({ ...parameters, label: text, issuer: text.replaceAll(':', '') })
    t.match(uri, new RegExp(
      '^otpauth://totp/(?<issuer>(?:[\\w.~-]|%[0-9A-F]{2})*):(?:[\\w.~-]|%[0-9A-F]{2})*' +
      '\\?secret=[A-Z2-7]+&issuer=\\k<issuer>&algorithm=SHA1&digits=6&period=30$'), JSON.stringify(text))
  }
})

t.test('keyUri refuses a colon in the issuer, where it would move the boundary to the account', async t => {
  for (const issuer of ['Acme: Mail', ':', 'https://acme.example']) {
    t.throws(() => keyUri({ ...parameters, issuer }), new TypeError('The issuer must not contain a colon'))
  }
})

t.test('keyUri replaces half a surrogate pair and keeps a whole one', async t => {
  const parsed = parse(keyUri({ ...parameters, label: 'ada\ud83d', issuer: '\udd11Acme\u{1f511}' }))
  t.equal(parsed.label, 'ada\ufffd')
  t.equal(parsed.issuer, '\ufffdAcme\u{1f511}')
})

interface Image {
  pixels: Uint8ClampedArray
  size: number
  /** Whether the module at column x, row y of the view box is dark. */
  dark (x: number, y: number): boolean
}

const SCALE = 4
/** Width of the dark page around the code, in modules. */
const PAGE = 8

/**
 * Paints the SVG on a black page. Knows what the SVG means (a `rect` filled, a path of horizontal strokes one unit
 * wide), and throws on any element or path command that it does not know.
 */
function paint (svg: string): Image {
  const elements = [...svg.matchAll(/<(\/?)(\w+)([^>]*?)\/?>/g)].filter(([, closing]) => closing === '')
    .map(([, , name, rest]) => ({
      name,
      attributes: Object.fromEntries([...rest!.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, key, value]) => [key!, value!]))
    }))
  const [x0, y0, width, height] = elements[0]!.attributes['viewBox']!.split(' ').map(Number)
  if (x0 !== 0 || y0 !== 0 || width !== height) throw new Error('Unexpected view box')

  const size = (width! + 2 * PAGE) * SCALE
  const pixels = new Uint8ClampedArray(size * size * 4)
  for (let i = 3; i < pixels.length; i += 4) pixels[i] = 255

  function fill (left: number, top: number, right: number, bottom: number, colour: string) {
    const value = { '#fff': 255, '#000': 0 }[colour]
    if (value === undefined) throw new Error('Unexpected colour')
    for (let y = (top + PAGE) * SCALE; y < (bottom + PAGE) * SCALE; y++) {
      for (let x = (left + PAGE) * SCALE; x < (right + PAGE) * SCALE; x++) {
        pixels.fill(value, (y * size + x) * 4, (y * size + x) * 4 + 3)
      }
    }
  }

  for (const { name, attributes } of elements.slice(1)) {
    if (name === 'rect') {
      fill(0, 0, Number(attributes['width']), Number(attributes['height']), attributes['fill']!)
    } else if (name === 'path') {
      let x = 0
      let y = 0
      for (const [, command, rest] of attributes['d']!.matchAll(/([a-zA-Z])([^a-zA-Z]*)/g)) {
        const [a, b = 0] = rest!.split(' ').map(Number)
        if (command === 'M') [x, y] = [a!, b]
        else if (command === 'm') [x, y] = [x + a!, y + b]
        else if (command === 'h') {
          fill(x, y - 0.5, x + a!, y + 0.5, attributes['stroke']!)
          x += a!
        } else throw new Error('Unexpected path command')
      }
    } else throw new Error('Unexpected element')
  }

  return { pixels, size, dark: (x, y) => pixels[(((y + PAGE) * size + x + PAGE) * SCALE + size + 1) * 4] === 0 }
}

function scan ({ pixels, size }: Image): string | undefined {
  return jsqr.default(pixels, size, size, { inversionAttempts: 'dontInvert' })?.data
}

t.test('qrSvg draws a code that scans on a black page', async t => {
  const texts = [
    keyUri(parameters),
    ...hostile.map(label => keyUri({ ...parameters, label })),
    keyUri({ ...parameters, secret: Buffer.alloc(64, 'x'), label: 'long'.repeat(40), algorithm: 'SHA512' }),
    'A', '0123456789', '</svg><script>alert(1)</script>'
  ]
  for (const text of texts) t.equal(scan(paint(qrSvg(text))), text)
})

t.test('qrSvg draws any short text so that it scans', async () => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 200 }), text => {
    return scan(paint(qrSvg(text))) === text
  }), { numRuns: 30 })
})

t.test('qrSvg keeps a quiet zone of four light modules, no more and no less', async t => {
  const svg = qrSvg(keyUri(parameters))
  const size = Number(/viewBox="0 0 (\d+) /.exec(svg)![1])
  t.equal((size - 8) % 4, 1, 'a symbol is 17 + 4 n modules wide')
  const image = paint(svg)
  for (let i = 0; i < size; i++) {
    for (let depth = 0; depth < 4; depth++) {
      const end = size - 1 - depth
      const ring = [[i, depth], [depth, i], [i, end], [end, i]] as const
      if (ring.some(([x, y]) => image.dark(x, y))) t.fail(`dark at ${i}, ${depth} deep`)
    }
  }
  t.ok(image.dark(4, 4), 'the finder pattern begins right after it')
  t.ok(image.dark(-1, -1), 'the page is dark up to the edge')
})

t.test('qrSvg needs nothing that a strict Content-Security-Policy forbids, and repeats nothing of the text', async t => {
  const svg = qrSvg('<script>alert("x")</script> style= onload= href=')
  t.match(svg, new RegExp(
    '^<svg xmlns="http://www\\.w3\\.org/2000/svg" viewBox="0 0 \\d+ \\d+" role="img" aria-label="QR code" ' +
    'shape-rendering="crispEdges"><rect width="\\d+" height="\\d+" fill="#fff"/>' +
    '<path stroke="#000" d="[Mmh0-9. ]+"/></svg>$'))
  t.ok(qrSvg(keyUri(parameters)).length < 8192, 'and is small')
})

t.test('qrSvg says so when the text does not fit', async t => {
  t.doesNotThrow(() => qrSvg('x'.repeat(2331)))
  t.throws(() => qrSvg('x'.repeat(2332)), /overflow/i)
})
