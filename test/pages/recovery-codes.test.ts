import t from 'tap'
import { launchBrowser, withoutBrowser } from '../helpers/browser.js'
import { buildHost, codeAt, enrol, signIn } from '../helpers/host.js'

t.test('a sign-in with few recovery codes left says so, and goes on', async t => {
  const host = await buildHost(t, { recoveryCodes: 5 })
  const { secret, recoveryCodes } = await enrol(host)
  const verify = async () => {
    host.clock.advance(30)
    const client = await signIn(host)
    return { client, reply: await client.form('/2fa/verify', { code: codeAt(secret, host.clock), next: '/dashboard' }) }
  }
  t.equal((await verify()).reply.headers.location, '/dashboard')
  for (const code of recoveryCodes.slice(0, 3)) await (await signIn(host)).post('/2fa/recover', { code })

  const { client, reply } = await verify()
  t.equal(reply.statusCode, 200)
  t.match(reply.body, /You have 2 recovery codes left\. Without one you cannot sign in/)
  t.match(reply.body, /href="\/dashboard">Not now/)
  t.equal((await client.get('/dashboard')).statusCode, 200, 'the client has passed')
  await client.form('/2fa/recovery-codes')
  t.equal((await verify()).reply.headers.location, '/dashboard')

  await t.test('none at all, after an import', async t => {
    const imported = 'JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP'
    await host.app.twoFactor.importSecret('eve', { secret: imported })
    const eve = await signIn(host, 'eve')
    t.match((await eve.form('/2fa/verify', { code: codeAt(imported, host.clock) })).body, /You have no recovery codes/)
  })

  await t.test('JSON has no such stop', async t => {
    host.clock.advance(30)
    const bob = await signIn(host, 'eve')
    const reply = await bob.post('/2fa/verify', { code: codeAt('JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP', host.clock) })
    t.same(reply.json(), { verified: true })
  })
})

t.test('in a browser: download without scripts, copy and print with them, and on only when they are saved', {
  skip: withoutBrowser
}, async t => {
  const browser = await launchBrowser(t)
  const host = await buildHost(t)
  const origin = await host.app.listen({ host: '127.0.0.1', port: 0 })

  for (const scripts of [false, true]) {
    const context = await browser.newContext({ javaScriptEnabled: scripts, acceptDownloads: true })
    if (scripts) await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin })
    const page = await context.newPage()
    const problems: string[] = []
    page.on('console', message => {
      // Browsers ask for an icon, which this host does not have.
      if (message.type() === 'error' && !message.location().url.endsWith('/favicon.ico')) problems.push(message.text())
    })
    const user = scripts ? 'with' : 'without'
    await context.request.post(`${origin}/login/${user}`)
    await page.goto(`${origin}/2fa/setup?next=/dashboard`)
    await page.locator('summary').click()
    const secret = (await page.locator('#key').textContent() ?? '').replaceAll(' ', '')
    await page.getByLabel('Code that the app shows now').fill(codeAt(secret, host.clock))
    if (!scripts) await page.getByRole('button', { name: 'Turn on' }).click()
    await page.locator('#codes').waitFor()
    const codes = await page.locator('#codes li').allTextContents()
    t.equal(codes.length, 5)

    const downloading = page.waitForEvent('download')
    await page.getByRole('link', { name: 'Download' }).click()
    const stream = await (await downloading).createReadStream()
    let text = ''
    for await (const chunk of stream) text += String(chunk)
    t.ok(codes.every(code => text.includes(code)), 'the file has them all')

    t.equal(await page.getByRole('button', { name: 'Copy' }).isVisible(), scripts)
    t.equal(await page.getByRole('button', { name: 'Print' }).isVisible(), scripts)
    if (scripts) {
      await page.getByRole('button', { name: 'Copy' }).click()
      await page.getByRole('button', { name: 'Copied' }).waitFor()
      t.equal(await page.evaluate('navigator.clipboard.readText()'), codes.join('\n'))
    }
    const onward = page.getByRole('link', { name: 'Continue' })
    t.equal(await onward.isVisible(), false)
    await page.getByLabel('I have saved them').check()
    await onward.click()
    t.equal(new URL(page.url()).pathname, '/dashboard')
    t.same(problems, [])
    await context.close()
  }
})
