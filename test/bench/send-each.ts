import autocannon from 'autocannon'

/** How fast they were answered, in requests per second, and how many with which status. */
export interface Sent {
  readonly perSecond: number
  readonly answered: (status: number) => number
}

/** A request, made anew each time that it is sent. */
export interface MadeRequest extends Omit<autocannon.Request, 'setupRequest'> {
  readonly setupRequest: (request: autocannon.Request, context: object) => autocannon.Request
}

/** Sends so many requests, 20 at a time. */
export async function sendEach (
  origin: string, amount: number, { setupRequest, ...request }: MadeRequest
): Promise<Sent> {
  let [begin, end] = [0, 0]
  const { statusCodeStats = {} } = await new Promise<autocannon.Result>((resolve, reject) => {
    autocannon({
      url: origin,
      connections: 20,
      amount,
      requests: [{
        ...request,
        setupRequest (given, context) {
          begin ||= performance.now()
          return setupRequest(given, context)
        }
      }]
    }, (error: Error | null, result) => error ? reject(error) : resolve(result))
      // It ends with the second that it is in, so the last answer is what counts.
      .on('response', () => { end = performance.now() })
  })
  return {
    perSecond: amount / (end - begin) * 1000,
    answered: status => Number(statusCodeStats[`${status}`]?.count ?? 0)
  }
}
