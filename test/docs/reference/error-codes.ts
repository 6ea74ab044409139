import * as errors from '../../../plugin/errors.js'

interface ErrorCode {
  /** Of its class. */
  readonly name: string
  readonly code: string
  readonly status: number
  readonly message: string
}

/** Every error of the package. */
export function errorCodes (): ErrorCode[] {
  return Object.entries(errors).map(([name, ErrorClass]) => {
    // What some take is their details: none is needed to tell the code.
    const { code, statusCode, message } = new (ErrorClass as unknown as new (...given: unknown[]) => {
      code: string, statusCode: number, message: string
    })('', '')
    return { name, code, status: statusCode, message: message.trim() }
  })
}
