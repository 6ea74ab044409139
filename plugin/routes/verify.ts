import type { FastifyRequest } from 'fastify'
import { currentUser } from '../access.js'
import type { Page } from '../pages/page.js'
import { onTheWay } from '../pages/parts.js'
import { fewCodes } from '../pages/recovery-codes.js'
import type { UserStatus } from '../service.js'
import { nextOf, sendPage, showsPages, siteOf, wayOf, withForm, type RouteContext } from './replies.js'
import { recoveryCodesExample } from './examples.js'
import { operation } from './operation.js'
import type { FromSchema, TypedScope } from './schema-types.js'
import { errors, nextQuery, recoverBody, recoverReply, statusReply, verifyBody, verifyReply } from './schemas.js'

/** `GET /verify` and `GET /recover`: the pages that ask for a code. Other clients get the state instead. */
export function verifyPageRoutes (scope: TypedScope, context: RouteContext): void {
  const schema = {
    hide: true, summary: 'Page that asks for a code', querystring: nextQuery, response: { 200: statusReply, ...errors }
  }
  for (const path of ['/verify', '/recover']) {
    scope.get(path, { schema }, async (request, reply) => {
      if (!showsPages(context, request)) return request.twoFactor.status()
      const { id } = await currentUser(context, request)
      const status = await context.service.status(id)
      if (!status.enabled) return reply.redirect(nextOf(request) ?? context.options.defaultRedirect, 303)
      const { lockedUntil } = status
      if (!lockedUntil) {
        const page = path === '/verify' ? await askForCode(context, request, status) : askForRecoveryCode(request)
        return sendPage(context, reply, page)
      }
      const retryAfter = Math.ceil((lockedUntil.getTime() - context.options.clock()) / 1000)
      const retry = onTheWay(`${siteOf(context, request).base}${path}`, wayOf(request))
      return sendPage(context, reply, { name: 'locked', reason: 'account', retryAfter, retry })
    })
  }
}

type VerifyBody = FromSchema<ReturnType<typeof verifyBody>>

/** `POST /verify` and `POST /recover`: the client has passed by a code. */
export function verifyRoutes (scope: TypedScope, context: RouteContext): void {
  const verify = operation(context, {
    operationId: 'twoFactorVerify',
    summary: 'Pass by a code of an authenticator',
    description: 'A code is taken once. Wrong codes are counted for the account, over all its clients.',
    reply: verifyReply,
    example: { verified: true },
    bodyExample: { code: '123456' },
    refusals: ['invalidCode', 'clockOff', 'locked', 'disabled'],
    browser: 'either'
  }, { body: verifyBody(context.options.digits) })
  const verifyForm = withForm(context, (request, problem) => askAgain(context, request, problem))
  scope.post('/verify', { ...verify, ...verifyForm }, async (request, reply) => {
    const { code, trustDevice } = request.body
    const verified = await request.twoFactor.verify(code, { trustDevice: isTrue(trustDevice) })
    if (!showsPages(context, request)) return verified
    const left = await request.twoFactor.status().then(status => status.recoveryCodesLeft, () => null)
    if (left !== null && left <= fewCodes) {
      return sendPage(context, reply, { name: 'few-recovery-codes', left, ...wayOf(request) })
    }
    return reply.redirect(nextOf(request) ?? context.options.defaultRedirect, 303)
  })

  const recover = operation(context, {
    operationId: 'twoFactorRecover',
    summary: 'Pass by a recovery code',
    description: 'The recovery code is used up by that. It helps also where too many wrong codes turned the authenticators off.',
    reply: recoverReply,
    example: { verified: true, recoveryCodesLeft: 9 },
    bodyExample: { code: recoveryCodesExample[0] },
    refusals: ['invalidCode', 'locked'],
    browser: 'page'
  }, { body: recoverBody })
  const recoverForm = withForm(context, askForRecoveryCode)
  scope.post('/recover', { ...recover, ...recoverForm }, async (request, reply) => {
    const recovered = await request.twoFactor.recover(request.body.code)
    if (!showsPages(context, request)) return recovered
    const { recoveryCodesLeft: left } = recovered
    return sendPage(context, reply, { name: 'recovered', left, ...wayOf(request) })
  })
}

async function askForCode (
  context: RouteContext, request: FastifyRequest, status: UserStatus | undefined, problem?: string
): Promise<Page> {
  // A code of the app is taken also where a method of the host fails.
  const methods = await request.twoFactor.methods().catch(() => [])
  const { digits: usual, trustedDevices } = context.options
  const lengths = new Set(status?.authenticators.map(({ digits }) => digits))
  const [digits = usual] = lengths
  const { trustDevice } = (request.body ?? {}) as Partial<VerifyBody>
  const trust = trustedDevices ? { ttl: trustedDevices.ttl, checked: isTrue(trustDevice) } : undefined
  const disabled = status?.authenticatorsDisabled ?? false
  return { name: 'verify', digits, complete: lengths.size === 1, disabled, ...wayOf(request), problem, trust, methods }
}

/** The same page, with what was wrong with the code. */
async function askAgain (context: RouteContext, request: FastifyRequest, problem: string): Promise<Page> {
  // Whoever is refused as one of too many need not be signed in.
  const status = currentUser(context, request).then(({ id }) => context.service.status(id)).catch(() => undefined)
  return askForCode(context, request, await status, problem)
}

/** A form sends a box that is checked as `on`. */
function isTrue (box: VerifyBody['trustDevice']): boolean {
  return box === true || box === 'on'
}

function askForRecoveryCode (request: FastifyRequest, problem?: string): Page {
  return { name: 'recover', ...wayOf(request), problem }
}
