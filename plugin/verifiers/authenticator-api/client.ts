import { encodeBase32 } from '../../otp/base32.js'
import { ApiError, createExchange } from './exchange.js'
import type { ResolvedApiOptions } from './options.js'
import { fits, readPairingAnswer } from './pairing-answer.js'
import { createResilience } from './resilience.js'

/** The protocol of AuthenticatorAPI.com. Every method throws an {@link ApiError} if it has no clear answer. */
export interface ApiClient {
  /** Resolves if the service would have the app make the codes that {@link validate} takes. */
  readonly pair: (
    enrolment: { readonly appName: string, readonly appInfo: string, readonly secretCode: string }, signal?: AbortSignal
  ) => Promise<void>
  readonly validate: (
    attempt: { readonly pin: string, readonly secretCode: string }, signal?: AbortSignal
  ) => Promise<boolean>
  readonly close: () => Promise<void>
}

export function createApiClient (options: ResolvedApiOptions): ApiClient {
  const { origin } = options
  const exchange = createExchange(options)
  // Apart from each other: a name that the service cannot pair must not keep others from signing in.
  const pairing = createResilience(options)
  const validation = createResilience(options)

  return {
    async pair ({ appName, appInfo, secretCode }, caller) {
      const key = encodeBase32(Buffer.from(secretCode, 'latin1'))
      const request = {
        path: '/pair.aspx',
        query: { AppName: appName, AppInfo: appInfo, SecretCode: secretCode },
        echoes: [key, secretCode]
      }
      const answer = readPairingAnswer(await pairing(signal => exchange.get(request, signal), caller))
      if (!answer) throw new ApiError(`${origin} answered no pairing`)
      if (!fits(answer, key)) throw new ApiError(`${origin} would give the app another key, or other parameters`)
    },

    validate ({ pin, secretCode }, caller) {
      const request = { path: '/Validate.aspx', query: { Pin: pin, SecretCode: secretCode }, echoes: [secretCode] }
      return validation(async signal => {
        const answer = (await exchange.get(request, signal)).trim().toLowerCase()
        if (answer !== 'true' && answer !== 'false') throw new ApiError(`${origin} answered neither True nor False`)
        return answer === 'true'
      }, caller)
    },

    close: exchange.close
  }
}
