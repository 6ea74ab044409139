import type { Account } from '../accounts.js'
import { html, type Html } from '../html.js'

export interface Layout {
  readonly title: string
  readonly path: string
  readonly account: Account | undefined
  /** Where the codes of new authenticators are checked. */
  readonly checked: string
  readonly content: Html
  /** What the content needs in the head. */
  readonly head?: Html | undefined
  readonly guide?: Html | undefined
  readonly panel?: Html | undefined
}

/** A page of the bank, with the way to the others, and beside it what the demo tells about it. */
export function layout (page: Layout): string {
  const { title, content, head, guide, panel } = page
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>${title} · Acme Bank</title>
<link rel="icon" href="/public/logo.svg" type="image/svg+xml">
<link rel="preload" href="/vendor/inter.woff2" as="font" type="font/woff2" crossorigin>
<link rel="stylesheet" href="/public/style.css">
${(guide ?? panel) && html`<link rel="stylesheet" href="/public/beside.css">`}
${head}
<script type="module" src="/public/page.js"></script>
</head>
<body>
<a class="skip" href="#content">Skip to the page</a>
${header(page)}
<div class="frame${(guide ?? panel) && ' with-panel'}">
${guide}
<main id="content" tabindex="-1">
${content}
</main>
${panel}
</div>
${footer(page)}
</body>
</html>
`.markup
}

function header ({ account, path }: Layout): Html {
  const link = (href: string, name: string) =>
    html`<a href="${href}"${(path === href || path.startsWith(`${href}/`)) && html` aria-current="page"`}>${name}</a>`
  return html`<header>
<div class="bar">
<a class="brand" href="/">${logo} Acme Bank</a>
<nav aria-label="Main">
${link('/dashboard', 'Dashboard')}
${link('/transfer', 'Transfer')}
${account?.role === 'admin' && link('/admin', 'Admin')}
${link('/settings', 'Settings')}
</nav>
<a class="help" href="/how-to" aria-label="How do I add this?"${path === '/how-to' && html` aria-current="page"`}>?</a>
${account
    ? html`<form method="post" action="/sign-out"><span class="who">${account.email}</span><button class="quiet">Sign out</button></form>`
    : html`<a class="button" href="/sign-in">Sign in</a>`}
</div>
</header>`
}

const logo = html`<svg viewBox="0 0 32 32" width="28" height="28" aria-hidden="true"><rect width="32" height="32" rx="9"></rect>
<path d="M7.5 23.5 16 8l8.5 15.5M11.7 18.4h8.6"></path></svg>`

function footer ({ checked }: Layout): Html {
  return html`<footer>
<p>A demo of fastify-authenticator-2fa, and no real bank. <a href="/how-to">How do I add this to my app?</a></p>
<p>No phone at hand? <a href="/phone" target="_blank">Open the demo phone</a>.</p>
<p>Codes of new authenticators are checked ${checked}.</p>
</footer>`
}
