import { crc32, deflateSync } from 'node:zlib'
import { encodeQR } from 'qr'
import { BadParameterError } from './errors.js'

/** Longest text of a QR code of error correction level L, in bytes (ISO/IEC 18004, table 7). */
const capacity = 2953

const side = { min: 1, max: 1000 }

/**
 * Draws a QR code as a PNG, in black on white.
 *
 * It has the size asked for, with modules as large as fit; only a size smaller than the symbol gives a larger image.
 * Nobody else's text is drawn: a server that turns any text into an image from this site lends its name to all of them.
 *
 * @param data - A Key URI: `otpauth://` and what follows.
 * @param size - Width and height in pixels, 1 to 1000 each, as `300x300`.
 * @throws {BadParameterError} if the size is malformed, or the text is too long or no Key URI.
 */
export function qrImage (data: string, size: string): Buffer {
  const [, width = 0, height = 0] = /^(\d{1,4})x(\d{1,4})$/i.exec(size)?.map(Number) ?? []
  if (![width, height].every(length => length >= side.min && length <= side.max)) {
    throw new BadParameterError(`size must be two numbers from ${side.min} to ${side.max}, as in 300x300`)
  }
  if (!/^otpauth:\/\//i.test(data)) throw new BadParameterError('data must be an otpauth:// URI')
  if (Buffer.byteLength(data) > capacity) throw new BadParameterError(`data must have at most ${capacity} bytes`)

  // Level L, as the public service: it is read from a screen, where larger modules help more than redundancy.
  return png(encodeQR(data, 'raw', { ecc: 'low', border: 4 }), width, height)
}

/** Draws modules in the middle of a white image of one bit a pixel (PNG specification, third edition). */
function png (modules: readonly boolean[][], atLeastWidth: number, atLeastHeight: number): Buffer {
  const scale = Math.max(1, Math.floor(Math.min(atLeastWidth, atLeastHeight) / modules.length))
  const length = modules.length * scale
  const width = Math.max(atLeastWidth, length)
  const height = Math.max(atLeastHeight, length)
  const left = (width - length) >> 1
  const top = (height - length) >> 1

  // Each line begins with its filter, which is 0 for none. White is 1, also past the end, where bits do not count.
  const stride = 1 + Math.ceil(width / 8)
  const lines = Buffer.alloc(stride * height, 0xff)
  for (let y = 0; y < height; y++) lines[y * stride] = 0
  modules.forEach((row, index) => {
    const line = lines.subarray((top + index * scale) * stride).subarray(0, stride)
    row.forEach((dark, column) => {
      if (!dark) return
      for (let x = left + column * scale, end = x + scale; x < end; x++) line[1 + (x >> 3)]! &= ~(0x80 >> (x & 7))
    })
    for (let copy = 1; copy < scale; copy++) line.copy(lines, (top + index * scale + copy) * stride)
  })

  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.writeUInt8(1, 8)
  const signature = Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(lines)), chunk('IEND', Buffer.alloc(0))])
}

function chunk (type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(named.length + 8)
  framed.writeUInt32BE(data.length, 0)
  named.copy(framed, 4)
  framed.writeUInt32BE(crc32(named), named.length + 4)
  return framed
}
