import { adminAccount, demoAccount } from '../accounts.js'
import { html, type Html } from '../html.js'

/** The front page, for people who came to see two-factor authentication. */
export function home ({ sampleAccounts }: { readonly sampleAccounts: boolean }): Html {
  return html`
<div class="hero">
<h1>A bank that asks twice</h1>
<p class="lead">Walk through two-factor authentication as your own users would: from the first password to a lost phone. It takes
five minutes, and no phone.</p>
<p><a class="button" href="/dashboard">Start here</a> <a class="button quiet" href="/how-to">How do I add this to my app?</a></p>
</div>
<ul class="features">
<li><h2>Set up once</h2><p>A QR code, six digits, ten recovery codes. <a href="/2fa/setup">See the setup</a></p></li>
<li><h2>Asked when it matters</h2><p>At the sign-in, and again for a <a href="/transfer">transfer</a>, also on a trusted device.</p></li>
<li><h2>Never locked out</h2><p>Recovery codes help, or <a href="/admin">support</a> does.</p></li>
</ul>
${sampleAccounts && html`
<h2>Accounts to try it with</h2>
<dl class="accounts card">
<div><dt>A customer</dt><dd><code>${demoAccount.email}</code></dd></div>
<div><dt>Support staff</dt><dd><code>${adminAccount.email}</code></dd></div>
<div><dt>Password of both</dt><dd><code>${demoAccount.password}</code></dd></div>
</dl>
<p class="more">Or <a href="/sign-up">create an account</a> of your own.</p>`}`
}
