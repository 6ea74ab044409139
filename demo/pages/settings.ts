import { html, type Html } from '../html.js'

export function settings (email: string, enabled: boolean): Html {
  return html`
<div class="narrow">
<h1>Settings</h1>
<section class="card">
<h2>Account</h2>
<p>${email}</p>
<h2>Two-factor authentication</h2>
<p>It is ${enabled ? 'on' : 'off'}. <a href="/2fa/">${enabled ? 'Change it' : 'Set it up'}</a></p>
</section>
</div>`
}
