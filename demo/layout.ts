import type { Account } from './accounts.js'
import { html, type Html } from './html.js'

export interface Layout {
  readonly title: string
  readonly account: Account | undefined
  /** Where the codes of new authenticators are checked. */
  readonly checked: string
  readonly content: Html
}

/** A page of the demo, with the way to the others. */
export function layout ({ title, account, checked, content }: Layout): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Acme Bank</title>
<link rel="stylesheet" href="/public/style.css">
</head>
<body>
<header>
<a class="brand" href="/">Acme Bank</a>
<nav aria-label="Main">
<a href="/dashboard">Dashboard</a>
<a href="/transfer">Transfer</a>
${account?.role === 'admin' && html`<a href="/admin">Admin</a>`}
<a href="/settings">Settings</a>
</nav>
${account
    ? html`<form method="post" action="/sign-out"><span class="who">${account.email}</span><button class="quiet">Sign out</button></form>`
    : html`<a class="button" href="/sign-in">Sign in</a>`}
</header>
<main>
<h1>${title}</h1>
${content}
</main>
<footer>
A demo of fastify-authenticator-2fa. No phone at hand? <a href="/phone" target="_blank">Open the demo phone</a>.
<br>Codes of new authenticators are checked ${checked}.
</footer>
</body>
</html>
`.markup
}

/** The form to sign in or up. */
export function accountForm (
  { action, email, problem, next }: { action: 'sign-in' | 'sign-up', email?: string, problem?: string, next?: string | undefined }
): Html {
  const signUp = action === 'sign-up'
  return html`
${problem !== undefined && html`<p class="problem" role="alert" id="problem">${problem}</p>`}
<form class="card" method="post" action="/${action}">
<label for="email">E-mail</label>
<input id="email" name="email" type="email" autocomplete="username" required maxlength="254" value="${email ?? ''}">
<label for="password">Password${signUp && html` <small>(at least 12 characters)</small>`}</label>
<input id="password" name="password" type="password" autocomplete="${signUp ? 'new-password' : 'current-password'}" required
 minlength="${signUp ? 12 : 1}" maxlength="200">
${next !== undefined && html`<input type="hidden" name="next" value="${next}">`}
<button>${signUp ? 'Create account' : 'Sign in'}</button>
</form>
<p>${signUp
    ? html`You have an account? <a href="/sign-in">Sign in</a>`
    : html`New here? <a href="/sign-up">Create an account</a>`}</p>`
}
