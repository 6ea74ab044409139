import fc from 'fast-check'
import type { FastifyReply, FastifyRequest } from 'fastify'
import t from 'tap'
import { isForm, isSafe, localPath, returnPath, varyBy, wantsPage, withQuery } from '../plugin/browser.js'

// What these functions read of a request.
function requestOf (
  given: { headers?: Record<string, string>, method?: string, originalUrl?: string, host?: string }
): FastifyRequest {
  return { headers: {}, method: 'GET', originalUrl: '/', host: 'app.example.com', ...given } as unknown as FastifyRequest
}

const site = 'https://app.example.com'

// Each once led somebody's users astray.
const hostile = [
  '//evil.example', '///evil.example', '////evil.example', '/\\evil.example', '\\\\evil.example', '\\/evil.example', '/\\/evil.example', '/\t/evil.example', '\t//evil.example',
  '/\n/evil.example', '/\r/evil.example', ' //evil.example', '/ /evil.example', '\u0000//evil.example', '/\u0000/evil.example', 'https://evil.example', 'https:evil.example',
  'https:/evil.example', 'http:\\\\evil.example', 'HTTPS://evil.example', 'javascript:alert(1)', ' javascript:alert(1)', 'java\nscript:alert(1)', 'data:text/html,x', 'vbscript:x',
  'file:///etc/passwd', 'evil.example', '@evil.example', '.evil.example', ':443', '', ' ', '?x', '#x', 'dashboard', './dashboard', '../dashboard', '/.//evil.example', '/..//evil.example',
  '/../..//evil.example', '/%2e//evil.example', '/%2e%2e//evil.example', '/%2E%2E/%2e//evil.example', '/x/..//evil.example', '/x/../..//evil.example', '/./..//evil.example',
  '/.\\evil.example', '/x\\..\\evil', '/\u007f/evil.example', '/\u001f/evil.example', '/x y'
]

t.test('I6 localPath refuses what a browser could read as another site', async t => {
  for (const next of hostile) t.equal(localPath(next), undefined, JSON.stringify(next))
  for (const next of [undefined, null, 1, true, {}, [], ['/x'], { toString: () => '/x' }, Buffer.from('/x')]) t.equal(localPath(next), undefined)
  t.equal(localPath(`/${'a'.repeat(2048)}`), undefined, 'too long')
})

t.test('localPath keeps paths of this site, with their query and without their fragment', async t => {
  for (const [next, path] of [
    ['/', '/'], ['/dashboard', '/dashboard'], ['/a/b?c=d&e=%2F', '/a/b?c=d&e=%2F'], ['/a?next=//evil.example', '/a?next=//evil.example'], ['/a#b', '/a'], ['/a/../b', '/b'],
    ['/%2f/evil.example', '/%2f/evil.example'], ['/%5cevil.example', '/%5cevil.example'], ['/é', '/%C3%A9'], ['/a//b', '/a//b'], ['/@evil.example', '/@evil.example'], ['/:80', '/:80'],
    ['/%zz', '/%zz'], ['/?', '/'], ['/\ud800', '/%EF%BF%BD'], [`/${'a'.repeat(2047)}`, `/${'a'.repeat(2047)}`]
  ] as const) t.equal(localPath(next), path)
})

t.test('I6 whatever localPath answers, a browser stays on this site with it', async t => {
  const pieces = fc.array(fc.constantFrom('/', '\\', '.', '..', '%2e', '%2E%2e', '%2f', '%5c', '//', ':', '@', '?', '#', '\t', '\n', ' ', '\u0000', '\u00a0', '\u2028', '／', '．', 'x',
    'evil.example', 'https:', 'javascript:', ';', '%00', '\ud800', 'é'), { maxLength: 12 }).map(parts => parts.join(''))
  let kept = 0
  fc.assert(fc.property(fc.oneof(pieces, pieces.map(path => `/${path}`), fc.string({ unit: 'binary' }), fc.webUrl(), fc.constantFrom(...hostile)), next => {
    const path = localPath(next)
    if (path === undefined) return
    kept++
    const target = new URL(path, `${site}/2fa/verify`)
    if (target.origin !== site || target.username !== '') throw new Error(path)
    // In a header and in an attribute alike, and the same when it comes round again.
    if (!/^\/[\x21-\x7e]*$/.test(path) || path.startsWith('//') || localPath(path) !== path) throw new Error(path)
  }), { numRuns: 20_000 })
  t.ok(kept > 1000, `${kept} were kept`)
})

t.test('returnPath is this page, or for an unsafe request the one that it came from', async t => {
  t.equal(returnPath(requestOf({ originalUrl: '/a?b=c' })), '/a?b=c')
  t.equal(returnPath(requestOf({ originalUrl: '//evil.example' })), undefined)
  const from = (referer?: string) => returnPath(requestOf({ method: 'POST', originalUrl: '/pay', headers: referer === undefined ? {} : { referer } }))
  t.equal(from(), undefined)
  t.equal(from(`${site}/form?x=1#y`), '/form?x=1')
  t.equal(from(`${site}//evil.example`), undefined)
  for (const referer of ['', 'x', '/form', 'https://evil.example/form', 'https://app.example.com:8443/form', 'https://app.example.com.evil.example/', 'https://app.example.com@evil.example/']) {
    t.equal(from(referer), undefined, referer)
  }
})

t.test('wantsPage tells browsers from programs', async t => {
  const form = 'application/x-www-form-urlencoded'
  for (const [headers, page] of [
    [{}, false], [{ accept: '*/*' }, false], [{ accept: 'application/json' }, false], [{ accept: 'text/html' }, true], [{ accept: 'application/xhtml+xml,text/html;q=0.9' }, true],
    [{ 'content-type': form }, true], [{ 'content-type': form, accept: '*/*' }, true], [{ 'content-type': form, accept: 'application/json' }, false],
    [{ 'content-type': 'application/json' }, false], [{ 'content-type': 'application/json', accept: 'text/html' }, true]
  ] as Array<[Record<string, string>, boolean]>) {
    t.equal(wantsPage(requestOf({ headers })), page, JSON.stringify(headers))
  }
})

t.test('isForm reads the content type in any case and with parameters', async t => {
  for (const type of ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-Urlencoded; charset=utf-8']) t.equal(isForm(requestOf({ headers: { 'content-type': type } })), true, type)
  for (const type of ['application/json', 'text/plain', 'multipart/form-data', '']) t.equal(isForm(requestOf({ headers: { 'content-type': type } })), false, type)
  t.equal(isForm(requestOf({})), false)
})

t.test('isSafe is as RFC 9110 section 9.2.1', async t => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'TRACE']) t.equal(isSafe(method), true, method)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'CONNECT', 'get', 'PROPFIND', '']) t.equal(isSafe(method), false, method)
})

t.test('withQuery adds what there is, and what is in it cannot break out', async t => {
  t.equal(withQuery('/verify', {}), '/verify')
  t.equal(withQuery('/verify', { next: undefined }), '/verify')
  t.equal(withQuery('/verify', { next: '/a?b=c&d', resend: '1' }), '/verify?next=%2Fa%3Fb%3Dc%26d&resend=1')
  t.equal(withQuery('/login?from=app', { next: '/' }), '/login?from=app&next=%2F')
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), next => {
    const { searchParams, hash, pathname } = new URL(withQuery('/verify', { next }), site)
    return searchParams.get('next') === next.replace(/\p{Surrogate}/gu, '\ufffd') && hash === '' && pathname === '/verify'
  }))
})

t.test('varyBy keeps what is there and adds the header once', async t => {
  for (const [before, after] of [
    [undefined, 'Accept'], ['', 'Accept'], ['Origin', 'Origin, Accept'], ['Accept', 'Accept'], ['accept, Origin', 'accept, Origin'], ['*', '*'], ['Accept-Encoding', 'Accept-Encoding, Accept'],
    [['Origin', 'Accept'], ['Origin', 'Accept']], [['Origin', 'Cookie'], 'Origin, Cookie, Accept']
  ] as Array<[string | string[] | undefined, unknown]>) {
    let vary: unknown = before
    const reply = { getHeader: () => vary, header: (_name: string, value: unknown) => { vary = value } }
    varyBy(reply as unknown as FastifyReply, 'Accept')
    t.same(vary, after)
  }
})
