import { html, type Html } from '../html.js'

/** What an authenticator app does, in the browser. */
export function phone (): Html {
  return html`
<div class="narrow">
<h1>Demo phone</h1>
<p class="note">Only in this demo: what an authenticator app does, in this browser. A real second factor is another device.</p>
<noscript><p class="problem">This phone is made of JavaScript, which is off here. Any authenticator app does as well.</p></noscript>
<div class="phone">
<ul id="accounts"></ul>
<form id="add">
<label for="key">Key, or <code>otpauth:</code> address</label>
<textarea id="key" name="key" rows="3" required spellcheck="false" autocomplete="off"></textarea>
<p class="problem" id="problem" role="alert" hidden>That is no key of an authenticator.</p>
<button>Add account</button>
</form>
</div>
</div>
<script type="module" src="/public/phone.js"></script>`
}
