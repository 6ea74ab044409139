// The parts used here of peers that ship no types.

declare module 'notp' {
  interface VerifyOptions {
    window: number
    time: number
  }

  const notp: {
    totp: { verify (code: string, key: string | Uint8Array, options: VerifyOptions): { delta: number } | null }
  }
  export default notp
}

declare module 'qrcode' {
  interface SvgOptions {
    type: 'svg'
    errorCorrectionLevel: 'L' | 'M' | 'Q' | 'H'
  }

  const qrcode: {
    /** With a callback it is synchronous, and faster than with a promise. */
    toString (text: string, options: SvgOptions, callback: (error: unknown, svg: string) => void): void
  }
  export default qrcode
}
