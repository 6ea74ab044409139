import type { FastifyInstance, FastifyRequest } from 'fastify'
import { currentUser } from '../access.js'
import { fewCodes, fewCodesPage } from '../pages/recovery-codes.js'
import { recoveredPage, recoverPage, verifyPage } from '../pages/verify.js'
import { nextOf, sendPage, showsPages, siteOf, wayOf, withForm, type RouteContext } from './replies.js'
import { errors, nextQuery, recoverBody, recoverReply, statusReply, verifyBody, verifyReply } from './schemas.js'

/** `GET /verify` and `GET /recover`: the pages that ask for a code. Other clients get the state instead. */
export function verifyPageRoutes (scope: FastifyInstance, context: RouteContext): void {
  const schema = {
    summary: 'Page that asks for a code', querystring: nextQuery, response: { 200: statusReply, ...errors }
  }
  for (const [path, page] of [['/verify', askForCode], ['/recover', askForRecoveryCode]] as const) {
    scope.get(path, { schema }, async (request, reply) => {
      if (!showsPages(context, request)) return request.twoFactor.status()
      const { id } = await currentUser(context, request)
      if (!await context.service.isEnabled(id)) {
        return reply.redirect(nextOf(request) ?? context.options.defaultRedirect, 303)
      }
      return sendPage(reply, await page(context, request))
    })
  }
}

interface VerifyBody {
  readonly code: string
  readonly trustDevice?: boolean | 'on'
}

/** `POST /verify` and `POST /recover`: the client has passed by a code. */
export function verifyRoutes (scope: FastifyInstance, context: RouteContext): void {
  const verify = {
    summary: 'Pass by a code of an authenticator',
    body: verifyBody(context.options.digits),
    response: { 200: verifyReply, ...errors }
  }
  const verifyForm = withForm(context, (request, problem) => askForCode(context, request, problem))
  scope.post<{ Body: VerifyBody }>('/verify', { schema: verify, ...verifyForm }, async (request, reply) => {
    const { code, trustDevice } = request.body
    const verified = await request.twoFactor.verify(code, { trustDevice: isTrue(trustDevice) })
    if (!showsPages(context, request)) return verified
    const left = await request.twoFactor.status().then(status => status.recoveryCodesLeft, () => null)
    if (left !== null && left <= fewCodes) {
      return sendPage(reply, fewCodesPage(siteOf(context, request), { left, ...wayOf(request) }))
    }
    return reply.redirect(nextOf(request) ?? context.options.defaultRedirect, 303)
  })

  const recover = {
    summary: 'Pass by a recovery code', body: recoverBody, response: { 200: recoverReply, ...errors }
  }
  const recoverForm = withForm(context, (request, problem) => askForRecoveryCode(context, request, problem))
  scope.post<{ Body: { code: string } }>('/recover', { schema: recover, ...recoverForm }, async (request, reply) => {
    const recovered = await request.twoFactor.recover(request.body.code)
    if (!showsPages(context, request)) return recovered
    const { recoveryCodesLeft: left } = recovered
    return sendPage(reply, recoveredPage(siteOf(context, request), { left, ...wayOf(request) }))
  })
}

async function askForCode (context: RouteContext, request: FastifyRequest, problem?: string): Promise<string> {
  // A code of the app is taken also where a method of the host fails.
  const methods = await request.twoFactor.methods().catch(() => [])
  const { digits, trustedDevices } = context.options
  const { trustDevice } = (request.body ?? {}) as Partial<VerifyBody>
  const trust = trustedDevices ? { ttl: trustedDevices.ttl, checked: isTrue(trustDevice) } : undefined
  return verifyPage(siteOf(context, request), { digits, ...wayOf(request), problem, trust, methods })
}

/** A form sends a box that is checked as `on`. */
function isTrue (box: VerifyBody['trustDevice']): boolean {
  return box === true || box === 'on'
}

function askForRecoveryCode (context: RouteContext, request: FastifyRequest, problem?: string): string {
  return recoverPage(siteOf(context, request), { ...wayOf(request), problem })
}
