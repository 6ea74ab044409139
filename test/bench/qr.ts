import qrcode from 'qrcode'
import { keyUri } from '../../plugin/otp/key-uri.js'
import { qrSvg } from '../../plugin/otp/qr.js'
import { runRounds } from './rounds.js'

/** QR codes drawn as SVG per second: one Key URI, error correction level M, quiet zone of 4 modules. */
export async function benchQr (): Promise<void> {
  const text = keyUri({
    issuer: 'Acme',
    label: 'ada.lovelace@example.com',
    secret: Buffer.from('12345678901234567890'),
    algorithm: 'SHA1',
    digits: 6,
    period: 30
  })

  let drawn = ''
  const contestants = [
    { name: 'qrSvg', run () { drawn = qrSvg(text) } },
    {
      name: 'qrcode',
      run () {
        qrcode.toString(text, { type: 'svg', errorCorrectionLevel: 'M' }, (error, svg) => {
          if (error) throw error
          drawn = svg
        })
      }
    }
  ]

  await runRounds({ title: `SVGs drawn of ${text.length} characters`, unit: 'SVGs', peer: 'qrcode', contestants })

  for (const { name, run } of contestants) {
    run()
    console.log(`  ${name}: ${drawn.length} bytes, ${/viewBox="[^"]*"/.exec(drawn)}`)
  }
}
