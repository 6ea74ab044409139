// Checked by the compiler alone (npm run typecheck): a schema, the type that is read from it, and the interfaces that
// hosts and clients see cannot come apart. test/openapi.test.ts holds the routes to the list at the end.
import type { FromSchema as IndependentlyRead } from 'json-schema-to-ts'
import type * as adminSchemas from '../../plugin/admin/schemas.js'
import type { Answers, Bodies } from '../../plugin/client/routes.js'
import type {
  AuthenticatorInfo, KeyUsage, MethodInfo, PendingSetup, RequestTwoFactor, TrustedDevice, TwoFactorEvent,
  TwoFactorStatus, UserStatus
} from '../../plugin/index.js'
import type { FromSchema, TypedScope } from '../../plugin/routes/schema-types.js'
import * as schemas from '../../plugin/routes/schemas.js'

/** Whether two types are one, down to what is optional. */
type Same<A, B> = (<T>() => T extends Plain<A> ? 1 : 2) extends (<T>() => T extends Plain<B> ? 1 : 2) ? true : false

/** A type in one way of writing: nothing is read-only, and what has no name is left out. */
type Plain<T> = T extends ReadonlyArray<infer Item>
  ? Array<Plain<Item>>
  : T extends object ? { -readonly [Name in keyof T as string extends Name ? never : Name]: Plain<T[Name]> } : T

/** A type as it comes out of its JSON. */
type Wire<T> = T extends Date
  ? string
  : T extends ReadonlyArray<infer Item>
    ? ReadonlyArray<Wire<Item>>
    : T extends object ? { [Name in keyof T]: Wire<T[Name]> } : T

function isTrue<Statement extends true> (..._statement: Statement[]): void {}

isTrue<Same<{ readonly a: readonly string[] }, { a: string[] }>>()
// @ts-expect-error What may be missing is something else.
isTrue<Same<{ a?: string }, { a: string }>>()
// @ts-expect-error So is what may be null,
isTrue<Same<{ a: string | null }, { a: string }>>()
// @ts-expect-error or what has more.
isTrue<Same<{ a: string, b: string }, { a: string }>>()

// --- Each schema, read by a library as well.

type SchemaOf<Exported> = Exported extends (...given: never[]) => infer Schema ? Schema : Exported

/** The schemas of a module that the library reads in another way. */
type Misread<Module> = {
  [Name in keyof Module]: Agree<SchemaOf<Module[Name]>> extends true ? never : Name
}[keyof Module]

type Agree<Schema> = Same<FromSchema<Schema>, IndependentlyRead<Schema & object>>

type UserSchemas = Omit<typeof schemas, 'reply' | 'errors'>
isTrue<Same<Misread<UserSchemas>, never>>()
isTrue<Same<Misread<typeof adminSchemas>, never>>()
// @ts-expect-error It would be seen.
isTrue<Same<Misread<{ wrong: { type: 'number' } }>, never>>()

// --- What hosts are told, and what is sent.

type Reply<Name extends keyof UserSchemas> = FromSchema<SchemaOf<UserSchemas[Name]>>
type AdminReply<Name extends keyof typeof adminSchemas> = FromSchema<typeof adminSchemas[Name]>
type Answer<Name extends keyof RequestTwoFactor> =
  RequestTwoFactor[Name] extends (...given: never[]) => infer Result ? Wire<Awaited<Result>> : never

isTrue<Same<Wire<TwoFactorStatus>, Reply<'statusReply'>>>()
isTrue<Same<Answer<'status'>, Reply<'statusReply'>>>()
isTrue<Same<Wire<PendingSetup>, Omit<Reply<'setupReply'>, 'setupToken'>>>()
isTrue<Same<Omit<Answer<'beginSetup'>, 'proofToken'>, Reply<'setupReply'>>>()
isTrue<Same<Omit<Answer<'confirmSetup'>, 'setupToken'>, Reply<'confirmReply'>>>()
isTrue<Same<Omit<Answer<'verify'>, 'setupToken'>, Reply<'verifyReply'>>>()
isTrue<Same<Omit<Answer<'verifyBy'>, 'setupToken'>, Reply<'verifyReply'>>>()
isTrue<Same<Omit<Answer<'recover'>, 'setupToken'>, Reply<'recoverReply'>>>()
isTrue<Same<Answer<'regenerateRecoveryCodes'>, Reply<'recoveryCodesReply'>['recoveryCodes']>>()
isTrue<Same<Answer<'authenticators'>, Reply<'authenticatorsReply'>['authenticators']>>()
isTrue<Same<Wire<AuthenticatorInfo>, Reply<'authenticatorReply'>>>()
isTrue<Same<Answer<'removeAuthenticator'>, Reply<'removedReply'>>>()
isTrue<Same<readonly Wire<TrustedDevice>[], Reply<'devicesReply'>['devices']>>()
isTrue<Same<readonly MethodInfo[], Reply<'methodsReply'>['methods']>>()
isTrue<Same<Wire<UserStatus>, AdminReply<'userReply'>>>()
isTrue<Same<ReadonlyArray<Wire<KeyUsage>>, AdminReply<'keysReply'>['keys']>>()
// A later version may record types of which a client of today knows nothing.
isTrue<Same<ReadonlyArray<Omit<Wire<TwoFactorEvent>, 'type'> & { type: string }>, AdminReply<'eventsReply'>['events']>>()

// --- What the typed client says of each route.

/** The schemas of each route that a document of the API has. */
export const routes = {
  'GET /': { reply: schemas.statusReply },
  'POST /setup': { reply: schemas.setupReply },
  'POST /setup/confirm': { reply: schemas.confirmReply, body: schemas.confirmBody(6) },
  'POST /verify': { reply: schemas.verifyReply, body: schemas.verifyBody(6) },
  'POST /recover': { reply: schemas.recoverReply, body: schemas.recoverBody },
  'POST /recovery-codes': { reply: schemas.recoveryCodesReply },
  'POST /disable': { reply: schemas.disableReply, body: schemas.disableBody(6) },
  'GET /authenticators': { reply: schemas.authenticatorsReply },
  'PATCH /authenticators/:authenticatorId': { reply: schemas.authenticatorReply, body: schemas.renameBody },
  'DELETE /authenticators/:authenticatorId': { reply: schemas.removedReply },
  'GET /devices': { reply: schemas.devicesReply },
  'DELETE /devices/:deviceId': { reply: schemas.revokedReply },
  'DELETE /devices': { reply: schemas.revokedReply },
  'GET /methods': { reply: schemas.methodsReply },
  'POST /methods/:method/start': { reply: schemas.startReply },
  'POST /methods/:method': { reply: schemas.verifyReply, body: schemas.proofBody }
} as const

type Routes = typeof routes

isTrue<Same<{ [Name in keyof Routes]: FromSchema<Routes[Name]['reply']> }, Answers>>()

/** What a form alone sends is nothing for the client: where to go on to, and a box that is checked. */
type Sent<Body> = { [Name in keyof Body as Name extends 'next' ? never : Name]: Exclude<Body[Name], 'on'> }
type Bodied = { [Name in keyof Routes as Routes[Name] extends { body: unknown } ? Name : never]: Routes[Name] }

isTrue<Same<{ [Name in keyof Bodied]: Sent<FromSchema<Bodied[Name]['body' & keyof Bodied[Name]]>> }, Bodies>>()

// --- What a handler may answer.

export function handlers (scope: TypedScope): void {
  const schema = { body: schemas.recoverBody, response: { 200: schemas.recoverReply, ...schemas.errors } }
  scope.post('/right', { schema }, async ({ body }) => (
    { verified: true, recoveryCodesLeft: body.code.length } as const))
  scope.get('/dates', { schema: { response: { 200: schemas.authenticatorReply } } }, async () => (
    { id: '', kind: '', name: '', digits: 6, createdAt: new Date(), lastUsedAt: null }))
  // @ts-expect-error It has no such field.
  scope.post('/body', { schema }, async ({ body }) => ({ verified: true, recoveryCodesLeft: body.pin.length } as const))
  // @ts-expect-error A field is missing.
  scope.post('/missing', { schema }, async () => ({ verified: true } as const))
  // @ts-expect-error A field has another type.
  scope.post('/other', { schema }, async () => ({ verified: true, recoveryCodesLeft: 'none' } as const))
}
