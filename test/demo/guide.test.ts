import { PGlite } from '@electric-sql/pglite'
import { existsSync, readFileSync } from 'node:fs'
import { PGliteDialect } from 'kysely-pglite-dialect'
import t from 'tap'
import { adminAccount, demoAccount } from '../../demo/accounts.js'
import { connect, migrate } from '../../demo/database.js'
import { readVisitor, writeVisitor } from '../../demo/guide/visitor.js'
import { theme } from '../../demo/theme.js'
import { openDemo } from '../helpers/demo.js'
import { Client, codeAt } from '../helpers/host.js'

const pglite = new PGlite()
const db = connect(new PGliteDialect(pglite))
t.teardown(() => pglite.close())
await migrate(db)

const root = new URL('../../', import.meta.url)
const entities: Record<string, string> = { '&#39;': "'", '&quot;': '"', '&lt;': '<', '&gt;': '>', '&amp;': '&' }
const textOf = (markup: string) => markup.replace(/<[^>]*>/g, '').replace(/&(#39|quot|lt|gt|amp);/g, entity => entities[entity] ?? '')

interface Told {
  readonly done: number
  readonly next: string
  /** Where the guide leads. */
  readonly path: string | undefined
}

function guideOf (page: string): Told {
  const [guide = ''] = /<section class="guide".*?<\/section>/s.exec(page) ?? []
  return {
    done: Number(/(\d+) of 11 done/.exec(guide)?.[1]),
    next: /<p class="next">(.*?)<\/p>/.exec(guide)?.[1] ?? '',
    path: /<p><a href="([^"]+)">/.exec(guide)?.[1]
  }
}

t.test('a first-time visitor is led from the password to the reset by support, each step by what really happened', async t => {
  const { app, clock } = await openDemo(t, db)
  const client = new Client(app)
  const at = async (path: string) => guideOf((await client.page(path)).body)
  const code = (secret: string) => {
    clock.advance(30)
    return codeAt(secret, clock)
  }
  const signIn = (account: { readonly email: string, readonly password: string }) => client.form('/sign-in', { ...account })

  t.same(await at('/'), { done: 0, next: 'A password', path: '/sign-in' })
  await client.form('/sign-in', { ...demoAccount, password: 'wrong' })
  t.same((await at('/')).done, 0, 'a wrong password is no step')
  await client.form('/sign-out')
  t.same((await at('/')).done, 0, 'nor is to sign out before there is a second factor')
  await signIn(demoAccount)
  t.same(await at('/dashboard'), { done: 1, next: 'Start the setup', path: '/2fa/setup' })

  const setup = (await client.page('/2fa/setup')).body
  const secret = (/id="key"[^>]*>([^<]+)/.exec(setup)?.[1] ?? '').replaceAll(' ', '')
  t.match(guideOf(setup), { done: 2, next: 'A phone' })
  const phone = decodeURIComponent(/href="\/phone#([^"]+)"/.exec(setup)?.[1] ?? '')
  t.match(phone, `secret=${secret}`, 'the link to the demo phone hands the key over')
  t.match(await at('/phone'), { done: 3, next: 'The first six digits' })
  t.match(guideOf((await client.form('/2fa/setup/confirm', { code: '000000' })).body), { done: 3 })
  const confirmed = (await client.form('/2fa/setup/confirm', { code: codeAt(secret, clock) })).body
  t.match(guideOf(confirmed), { done: 4, next: 'Recovery codes' })
  const [, recoveryCode = ''] = /<code>([0-9A-Z]{4}(?:-[0-9A-Z]{4}){3})<\/code>/.exec(confirmed) ?? []
  t.match(await at('/dashboard'), { done: 5, next: 'Sign out', path: undefined })

  await client.form('/sign-out')
  t.same(await at('/'), { done: 6, next: 'Sign in with a code', path: '/sign-in' })
  await signIn(demoAccount)
  t.match(await at('/2fa/verify'), { done: 6, path: '/dashboard' })
  await client.form('/2fa/verify', { code: code(secret), trustDevice: 'on' })
  t.match(await at('/dashboard'), { done: 7, next: 'A trusted device' })
  await client.form('/sign-out')
  await signIn(demoAccount)
  t.match(await at('/dashboard'), { done: 8, next: 'Step-up for a transfer', path: '/transfer' })

  t.equal((await client.page('/transfer')).headers.location, '/2fa/verify?next=%2Ftransfer', 'a trusted device is not enough')
  await client.form('/2fa/verify', { code: code(secret) })
  t.match(guideOf((await client.form('/transfer', { to: 'Bob', amount: '25' })).body), { done: 9, next: 'Lose the phone' })
  t.equal((await at('/dashboard')).path, '/2fa/recover?next=/dashboard')
  t.match(guideOf((await client.form('/2fa/recover', { code: recoveryCode })).body), { done: 10, next: 'Ask support' })

  await client.form('/sign-out')
  await signIn(adminAccount)
  t.match(guideOf((await client.page('/2fa/setup')).body), { done: 10, path: '/admin' })
  const staff = (/id="key"[^>]*>([^<]+)/.exec((await client.page('/2fa/setup')).body)?.[1] ?? '').replaceAll(' ', '')
  await client.form('/2fa/setup/confirm', { code: codeAt(staff, clock) })
  const list = (await client.page('/admin')).body
  const [, id = ''] = new RegExp(`/admin/([\\w-]+)">${demoAccount.email}`).exec(list) ?? []
  t.match((await client.page(`/admin/${id}`)).body, /<strong>recovered<\/strong>/, 'support sees what happened')
  await client.form(`/admin/${id}/reset`)
  t.match(await at('/admin'), { done: 11, next: 'That was all of it' })
  t.match((await client.page(`/admin/${id}`)).body, /nothing to unlock or reset/)
  t.equal((await client.page('/admin/none')).statusCode, 404)

  const json = { accept: 'application/json' }
  t.equal((await client.get(`/admin/2fa/users/${id}/events`, json)).json<{ events: Array<{ type: string }> }>().events[0]?.type, 'reset')
  await client.form('/sign-out')
  await signIn(demoAccount)
  t.equal((await client.get(`/admin/2fa/users/${id}/events`, json)).statusCode, 403, 'for staff alone')
  t.match(await at('/dashboard'), { done: 11 }, 'what was done stays done')
  t.match(guideOf((await new Client(app).page('/')).body), { done: 0 }, 'somebody else begins at the beginning')
})

t.test('a visitor whose account was reset elsewhere is told so', async t => {
  for (const table of ['authenticators', 'passes', 'events', 'users'] as const) {
    await db.deleteFrom(`two_factor_${table}`).execute()
  }
  const { app, clock } = await openDemo(t, db)
  const client = new Client(app)
  await client.page('/sign-up')
  await client.form('/sign-up', { email: 'grace@example.com', password: 'a password of many words' })
  const { secret } = (await client.get('/2fa/setup', { accept: 'application/json' })).json<{ secret: string }>()
  await client.form('/2fa/setup/confirm', { code: codeAt(secret, clock) })
  t.match((await client.page('/dashboard')).body, /aria-current="step">Sign out/)
  const { id } = await db.selectFrom('demo_accounts').select('id').where('email', '=', 'grace@example.com').executeTakeFirstOrThrow()
  const admin = new Client(app)
  await admin.form('/sign-in', { ...adminAccount })
  const setup = (await admin.get('/2fa/setup', { accept: 'application/json' })).json<{ secret: string }>()
  await admin.form('/2fa/setup/confirm', { code: codeAt(setup.secret, clock) })
  await admin.form(`/admin/${id}/reset`)
  t.match((await client.page('/dashboard')).body, /class="done">Ask support/)
})

t.test('a cookie that is none of the guide\'s is nobody\'s, and one that names steps that are none is without them', async t => {
  const visitor = readVisitor(undefined, 5)
  t.equal(visitor.since, 5)
  const done = { ...visitor, done: new Set(['password', 'sign-out']) }
  t.same(readVisitor(writeVisitor(done), 9), done)
  t.same([...readVisitor(`${visitor.id}.5.password~nonsense`, 9).done], ['password'])
  for (const cookie of ['', 'x.5.password', `${visitor.id}.x.password`, `${visitor.id}.5.<script>`, `${visitor.id}.5.${'a'.repeat(300)}`]) {
    const fresh = readVisitor(cookie, 9)
    t.not(fresh.id, visitor.id, cookie)
    t.match(fresh, { since: 9 })
  }
})

t.test('in production there are no accounts to try, and nobody is told of any', async t => {
  const { app } = await openDemo(t, db, { secure: true, panel: true, trustedProxies: ['loopback'] })
  for (const url of ['/', '/sign-in', '/sign-up']) {
    const { body, headers } = await new Client(app).page(url)
    t.notMatch(body, new RegExp(`${demoAccount.email}|${adminAccount.email}|correct horse`), url)
    t.match(body, /of 10 done/)
    t.match(String(headers['set-cookie']), /^__Host-demo=.*HttpOnly; Secure; SameSite=Lax/)
  }
})

t.test('the page of what to copy shows the examples as they are, and leads to every document', async t => {
  const { app } = await openDemo(t, db)
  const { body } = await new Client(app).page('/how-to')
  const { scripts, dependencies, devDependencies } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    scripts: Record<string, string>, dependencies: Record<string, string>, devDependencies: Record<string, string>
  }
  const flat = (text: string) => text.replace(/\s+/g, ' ')
  for (const [section, file, script] of [
    ['session', 'demo/examples/session-app.ts', 'example:session'], ['bearer', 'demo/examples/bearer-api.ts', 'example:bearer']
  ] as const) {
    const shown = [...body.matchAll(new RegExp(`<code id="${section}-\\d+">(.*?)</code></pre>`, 'gs'))].map(([, code = '']) => textOf(code))
    const source = readFileSync(new URL(file, root), 'utf8')
    t.equal(flat(shown.join('\n')).trim(), flat(source.replace(/^\/\/ .*\n/gm, '')).trim(), `${file}, whole`)
    for (const [, comment = ''] of source.matchAll(/^\/\/ (.*)$/gm)) t.match(flat(textOf(body)), comment.split('.')[0])
    t.match(body, `<code>npm run ${script}</code>`)
    t.match(scripts[script], file)
    const install = textOf(new RegExp(`<code id="${section}-install">(.*?)</code>`).exec(body)?.[1] ?? '')
    for (const name of install.replace('npm install ', '').split(' ')) {
      t.ok(name === 'fastify-authenticator-2fa' || name in { ...dependencies, ...devDependencies }, name)
    }
  }
  const links = [...body.matchAll(/href="(\/docs\/[^"]+)"/g)].map(([, path = '']) => path)
  t.ok(links.length > 5)
  for (const path of links) {
    const { statusCode, headers } = await app.inject(path)
    t.equal(statusCode, 200, path)
    t.match(headers['content-type'], 'text/plain')
    t.ok(existsSync(new URL(`.${path}`, root)), path)
  }
  for (const path of ['/docs/../package.json', '/docs/%2e%2e/package.json', '/docs/images', '/docs/']) {
    t.equal((await app.inject(path)).statusCode, 404, path)
  }
})

t.test('the pages of the bank have the colours that the pages of the package are given', async t => {
  const style = readFileSync(new URL('demo/public/style.css', root), 'utf8')
  const [light = '', dark = ''] = [...style.matchAll(/:root \{([^}]*)\}/g)].map(([, properties = '']) => properties)
  const names = { noteGround: 'note' } as Record<string, string>
  for (const [scheme, css] of [['light', light], ['dark', dark]] as const) {
    for (const [name, color] of Object.entries(theme[scheme] ?? {})) {
      const property = names[name] ?? name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
      t.match(css, `--${property}: ${color};`, `${scheme} ${name}`)
    }
  }
})
