import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { enrol, signIn } from '../helpers/host.js'
import { bareApp, body } from './hosts.js'

/** The page that asks for a code, of a host as the snippet makes it. */
async function pageOf (t: Test, snippet: string, { user = 'ada', headers = {} }: { user?: string, headers?: Record<string, string> } = {}) {
  const { app, options, clock } = await bareApp(t)
  await body(snippet, app, options)
  await enrol({ app, clock }, user)
  const client = await signIn({ app, clock }, user)
  client.headers = headers
  return client.page('/2fa/verify')
}

t.test('pages: name, logo and colours', async t => {
  const { body, headers } = await pageOf(t, 'pages-look')
  t.match(body, '<img src="/logo.svg" alt="Acme Bank" width="120" height="40">')
  t.match(body, '--two-factor-accent:#7a1fa2')
  t.match(headers['content-security-policy'], "img-src 'self'")
})

t.test('pages: languages and words', async t => {
  t.match((await pageOf(t, 'pages-language', { user: 'nl-ada' })).body, '<h1>Voer je code in</h1>')
  t.match((await pageOf(t, 'pages-language', { headers: { 'accept-language': 'en' } })).body, 'Phone at home?')
  t.match((await pageOf(t, 'pages-language', { headers: { 'accept-language': 'it' } })).body, '<html lang="de"')
})

t.test('pages: a layout', async t => {
  const { body, headers } = await pageOf(t, 'pages-layout')
  t.match(body, /^<!doctype html>\n<html lang="en" dir="ltr">\n<title>Enter your code – Acme<\/title>/)
  t.match(body, /<main><div class="two-factor" lang="en" dir="ltr">/)
  t.match(headers['content-security-policy'], /style-src 'sha256-\S+' 'self';/)
})

t.test('pages: a page of the host, by @fastify/view', async t => {
  const folder = t.testdir()
  await mkdir(join(folder, 'views'))
  await writeFile(join(folder, 'views', 'verify.ejs'), '<h1><%= page.messages.verifyTitle %></h1><%= page.digits %>')
  const before = process.cwd()
  process.chdir(folder)
  t.teardown(() => process.chdir(before))
  t.equal((await pageOf(t, 'pages-view')).body, '<h1>Enter your code</h1>6')
})
