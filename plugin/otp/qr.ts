import { encodeQR } from 'qr'

/** Empty modules around the symbol (ISO/IEC 18004 section 5.3.8). */
const QUIET_ZONE = 4

/**
 * Draws a QR code (error correction level M) as an SVG to put into a page as it is.
 *
 * It brings its own white background, so that it scans in dark mode, and has neither style nor script,
 * so that it shows under a strict Content-Security-Policy. It has no size: it fills its container.
 *
 * @throws {Error} if the text is longer than a QR code holds (2331 bytes).
 */
export function qrSvg (text: string): string {
  const rows = encodeQR(text, 'raw', { ecc: 'medium', border: QUIET_ZONE })
  const size = rows.length

  // One horizontal stroke for each run of dark modules, along the middle of the row.
  let path = ''
  for (let y = QUIET_ZONE; y < size - QUIET_ZONE; y++) {
    const row = rows[y]!
    let end = -1
    for (let x = QUIET_ZONE; x < size - QUIET_ZONE; x++) {
      if (!row[x]) continue
      const start = x
      while (row[x + 1]) x++
      path += end < 0 ? `M${start} ${y}.5` : `m${start - end} 0`
      end = x + 1
      path += `h${end - start}`
    }
  }

  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size} ${size}" role="img" aria-label="QR code"` +
    ` shape-rendering="crispEdges"><rect width="${size}" height="${size}" fill="#fff"/>` +
    `<path stroke="#000" d="${path}"/></svg>`
}
