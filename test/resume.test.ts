import formbody from '@fastify/formbody'
import type { FastifyInstance } from 'fastify'
import type { Page } from 'playwright-core'
import t, { type Test } from 'tap'
import type { TwoFactorRequirement } from '../plugin/index.js'
import { openBrowser, withoutBrowser } from './helpers/browser.js'
import { buildHost, codeAt, enrol, wrongCode, type Enrolled, type Host } from './helpers/host.js'

const transfer = '/transfer/form?to=Bob%20%26%20Eve&note=%C3%BC+%2F2fa&note=a%3Db'
const lost = 'What you sent was not done yet.'

interface Walk extends Host {
  readonly page: Page
  /** What was done, as the host saw it. */
  readonly done: unknown[]
  /** Signs in by the host's own form. */
  readonly signIn: (user: string) => Promise<unknown>
}

/** A host with a form behind a step-up, and a browser without JavaScript in front of it. */
async function setUp (t: Test, policy?: () => TwoFactorRequirement): Promise<Walk> {
  const done: unknown[] = []
  const host = await buildHost(t, {
    loginUrl: '/login', recoveryCodes: 5, ...(policy && { policy }), before: app => app.register(formbody), after: app => forms(app, done)
  })
  const baseURL = await host.app.listen({ host: '127.0.0.1', port: 0 })
  const browser = await openBrowser(t)
  const page = await (await browser.newContext({ baseURL, javaScriptEnabled: false })).newPage()
  const signIn = async (user: string) => {
    await page.goto('/login')
    await page.locator('#user').fill(user)
    await page.getByRole('button').click()
  }
  return { ...host, page, done, signIn }
}

function forms (app: FastifyInstance, done: unknown[]): void {
  app.get('/login', async (_request, reply) => reply.type('text/html')
    .send('<form method="post"><input id="user" name="user"><button>Sign in</button></form>'))
  app.post<{ Body: { user: string } }>('/login', async (request, reply) => {
    request.session.user = { id: request.body.user, label: request.body.user }
    return reply.redirect('/public', 303)
  })
  const form = '<h1>Transfer</h1><form method="post"><input id="amount" name="amount"><button>Send</button></form>'
  const page = async (request: { url: string }) => `${form}<pre>${request.url.replaceAll('&', '&amp;')}</pre>`
  const send = async ({ body, query }: { body: unknown, query: unknown }) => {
    done.push([body, query])
    return '<h1>Sent</h1>'
  }
  app.addHook('onSend', async (request, reply) => {
    if (/^\/(transfer\/form|open)/.test(request.url) && reply.statusCode === 200) reply.type('text/html')
  })
  app.get('/transfer/form', { config: { twoFactor: { maxAge: 300 } } }, page)
  app.post('/transfer/form', { config: { twoFactor: { maxAge: 300 } } }, send)
  app.get('/open', { config: { twoFactor: false } }, page)
  app.post('/open', { config: { twoFactor: true } }, send)
}

const heading = (page: Page) => page.getByRole('heading', { level: 1 }).textContent()
const told = (page: Page) => page.getByText(lost).count()

function pathOf (page: Page): string {
  const { pathname, search } = new URL(page.url())
  return pathname + search
}

async function send (page: Page, amount: string): Promise<void> {
  await page.locator('#amount').fill(amount)
  await page.getByRole('button', { name: 'Send' }).click()
}

async function enter (page: Page, code: string): Promise<void> {
  await page.locator('#code').fill(code)
  await page.getByRole('button', { name: /Continue|Turn on/ }).click()
}

/** A user with two-factor who has just passed in the browser. */
async function passed (walk: Walk): Promise<Enrolled> {
  const enrolled = await enrol(walk)
  walk.clock.advance(30)
  await walk.signIn('ada')
  await walk.page.goto('/2fa/verify')
  await enter(walk.page, codeAt(enrolled.secret, walk.clock))
  return enrolled
}

t.test('a page behind a step-up comes back as it was asked for, over a wrong code too', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const { page, clock } = walk
  const { secret } = await passed(walk)
  await page.goto(transfer)
  t.equal(await heading(page), 'Transfer', 'a fresh pass is enough')

  clock.advance(301)
  await page.goto(transfer)
  t.equal(await heading(page), 'Enter your code')
  t.equal(await told(page), 0, 'nothing was sent, so nothing is lost')
  await enter(page, wrongCode(secret, clock))
  t.match(await page.getByRole('alert').textContent(), /not right/)
  await enter(page, codeAt(secret, clock))
  t.equal(pathOf(page), transfer)
  t.equal(await page.locator('pre').textContent(), transfer, 'and the host was asked for just that')
})

t.test('a form whose pass is too old is not lost in silence: the page says so until it is back', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const { page, clock, done } = walk
  const { secret, recoveryCodes } = await passed(walk)
  await page.goto(transfer)
  clock.advance(301)
  await send(page, '25')
  t.equal(await heading(page), 'Enter your code')
  t.equal(await told(page), 1)
  t.same(done, [], 'the host did nothing')

  await enter(page, wrongCode(secret, clock))
  t.equal(await told(page), 1, 'still, after a wrong code')
  await page.getByRole('link', { name: 'Use a recovery code' }).click()
  t.equal(await told(page), 1, 'still, on the page for recovery codes')
  await page.locator('#code').fill('0000-0000-0000-0000')
  await page.getByRole('button', { name: 'Continue' }).click()
  t.match(await page.getByRole('alert').textContent(), /not right/)
  t.equal(await told(page), 1, 'still, after a wrong one')
  await page.getByRole('link', { name: 'Use a code from your app' }).click()
  t.equal(await told(page), 1, 'still, back on the other page')
  await page.getByRole('link', { name: 'Use a recovery code' }).click()
  await page.locator('#code').fill(recoveryCodes[0] ?? '')
  await page.getByRole('button', { name: 'Continue' }).click()
  t.equal(await heading(page), 'You are in')
  t.equal(await told(page), 1, 'still, before it goes on')
  await page.getByRole('link', { name: 'Continue' }).click()
  t.equal(pathOf(page), transfer, 'back at the form, with its query')
  t.same(done, [])
  await send(page, '25')
  t.equal(await heading(page), 'Sent')
  t.same(done, [[{ amount: '25' }, { to: 'Bob & Eve', note: ['ü /2fa', 'a=b'] }]], 'once')

  clock.advance(301)
  await page.goto('/open?x=1')
  await send(page, '7')
  t.equal(await heading(page), 'Sent', 'a route that takes an old pass asks nothing')
  t.equal(done.length, 2)
})

t.test('a new pass by the code leads straight back to the form', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const { page, clock, done } = walk
  const { secret } = await passed(walk)
  await page.goto(transfer)
  clock.advance(301)
  await send(page, '25')
  await enter(page, codeAt(secret, clock))
  t.equal(pathOf(page), transfer)
  await send(page, '25')
  t.equal(done.length, 1)
})

t.test('who is sent to set up comes back to where it began, and is told what is not done', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t, () => 'required')
  const { page, clock, done } = walk
  await walk.signIn('eve')
  await page.goto('/open?x=1&y=%26')
  await send(page, '25')
  t.equal(await heading(page), 'Set up two-factor authentication')
  t.match(await page.locator('main').innerText(), /Your account has to have two-factor authentication/)
  t.equal(await told(page), 1)
  const secret = ((await page.locator('#key').textContent()) ?? '').replaceAll(' ', '')
  await page.reload()
  t.equal(await told(page), 1, 'still, after a reload')
  await enter(page, wrongCode(secret, clock))
  t.match(await page.getByRole('alert').textContent(), /not right/)
  t.equal(await told(page), 1, 'still, after a wrong code')
  await enter(page, codeAt(secret, clock))
  t.equal(await heading(page), 'Two-factor authentication is on')
  t.equal(await told(page), 1, 'still, with the recovery codes')
  await page.locator('#saved').check()
  await page.getByRole('link', { name: 'Continue' }).click()
  t.equal(pathOf(page), '/open?x=1&y=%26')
  t.same(done, [])
  await send(page, '25')
  t.same(done, [[{ amount: '25' }, { x: '1', y: '&' }]])
})

t.test('a form of the settings that came too late says so too', { skip: withoutBrowser }, async t => {
  const walk = await setUp(t)
  const { page, clock } = walk
  const { secret } = await passed(walk)
  await page.goto('/2fa/')
  clock.advance(301)
  await page.getByRole('button', { name: 'Make new recovery codes' }).click()
  t.equal(await heading(page), 'Enter your code')
  t.equal(await told(page), 1)
  await enter(page, codeAt(secret, clock))
  t.equal(pathOf(page), '/2fa/')
  await page.getByRole('button', { name: 'Make new recovery codes' }).click()
  t.equal(await heading(page), 'Your new recovery codes')
})
