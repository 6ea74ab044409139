import jsQRModule from 'jsqr'
import { PNG } from 'pngjs'
import t from 'tap'
import { buildServer, get } from './server.js'

// Its types have the function as `default`, its CommonJS module is the function.
const jsQR = jsQRModule as unknown as typeof jsQRModule.default

const uri = 'otpauth://totp/Acme:ada?secret=GEZDGNBVGY3TQQSYLFKA&issuer=Acme&algorithm=SHA1&digits=6&period=30'

function read (body: Buffer) {
  const { width, height, data } = PNG.sync.read(body)
  return { width, height, data: jsQR(new Uint8ClampedArray(data), width, height)?.data }
}

t.test('the image is a PNG of the size asked for that scans as the URI', async t => {
  const app = await buildServer(t)
  for (const [size, width, height] of [
    ['300x300', 300, 300], ['200X200', 200, 200], ['301x299', 301, 299], ['400x250', 400, 250], ['1000x1000', 1000, 1000], ['97x1000', 97, 1000]
  ] as const) {
    for (const path of ['/qr.aspx', '/QR.ASPX']) {
      const response = await get(app, path, { size, data: uri })
      t.equal(response.statusCode, 200)
      t.match(response.headers, { 'content-type': 'image/png', 'cache-control': 'no-store', 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' })
      t.same(read(response.rawPayload), { width, height, data: uri }, size)
    }
  }
  t.same(read((await get(app, '/qr.aspx', { DATA: uri })).rawPayload), { width: 300, height: 300, data: uri }, '300x300 by default')
})

t.test('a size that is too small gives the smallest image there is', async t => {
  const app = await buildServer(t)
  const { rawPayload } = await get(app, '/qr.aspx', { size: '1x1', data: uri })
  const { width, height } = PNG.sync.read(rawPayload)
  t.same([width, height], [45, 45])
  const wide = PNG.sync.read((await get(app, '/qr.aspx', { size: '500x1', data: uri })).rawPayload)
  t.same([wide.width, wide.height], [500, 45])
})

t.test('the image is black on white, with a quiet zone of four modules', async t => {
  const app = await buildServer(t)
  const { width, height, data } = PNG.sync.read((await get(app, '/qr.aspx', { data: uri })).rawPayload)
  const values = new Set<number>()
  const dark: number[] = []
  for (let pixel = 0; pixel < width * height; pixel++) {
    values.add(data[pixel * 4] ?? -1)
    if (data[pixel * 4] === 0) dark.push(pixel)
  }
  t.same([...values].sort(), [0, 255])
  const columns = dark.map(pixel => pixel % width)
  const rows = dark.map(pixel => Math.floor(pixel / width))
  const scale = 6
  const edges = [columns, rows].flatMap(at => [Math.min(...at), width - 1 - Math.max(...at)])
  t.equal(width, height)
  for (const edge of edges) t.ok(edge >= 4 * scale, String(edge))
})

t.test('the longest URI scans', async t => {
  const app = await buildServer(t)
  const data = uri + '&x='.padEnd(2953 - uri.length, 'x')
  t.equal(read((await get(app, '/qr.aspx', { size: '1000x1000', data })).rawPayload).data, data)
})

t.test('I3 malformed sizes, and what is no Key URI or too long, are 400', async t => {
  const app = await buildServer(t)
  for (const size of ['', '300', '300x', 'x300', '0x0', '0x300', '1001x300', '300x1001', '99999x99999', '-1x5', '3e2x300', '300x300x300', '300 x 300', '300×300', '٣x٣']) {
    const response = await get(app, '/qr.aspx', { size, data: uri })
    t.equal(response.statusCode, 400, size)
    t.equal(response.body, 'size must be two numbers from 1 to 1000, as in 300x300')
  }
  for (const data of ['https://eve.example/', 'x', ' otpauth://totp/x', 'otpauth:x', 'javascript:otpauth://']) {
    const response = await get(app, '/qr.aspx', { data })
    t.equal(response.statusCode, 400, data)
    t.equal(response.body, 'data must be an otpauth:// URI')
  }
  for (const data of [uri.padEnd(2954, 'x'), uri + 'é'.repeat(1500)]) {
    t.equal((await get(app, '/qr.aspx', { data })).body, 'data must have at most 2953 bytes')
  }
  for (const query of ['', 'data=', 'size=300x300']) {
    const response = await app.inject(`/qr.aspx?${query}`)
    t.equal(response.statusCode, 400)
    t.equal(response.body, "Pass 'data' in QueryString")
  }
  t.equal((await app.inject(`/qr.aspx?data=otpauth://a&data=${uri}`)).statusCode, 400, 'twice')
})
